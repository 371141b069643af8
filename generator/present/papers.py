"""Papers that are cited, as BibTeX entries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BibEntry:
    """A BibTeX entry. Its texts are LaTeX, with braces that keep capitals."""

    kind: str
    title: str
    author: str
    where: str
    venue: str
    year: int


PAPERS: dict[str, BibEntry] = {
    "dosovitskiy2021image": BibEntry(
        "inproceedings",
        "An Image is Worth 16x16 Words: {Transformers} for Image Recognition at Scale",
        "Dosovitskiy, Alexey and Beyer, Lucas and Kolesnikov, Alexander and Weissenborn, Dirk and "
        "Zhai, Xiaohua and Unterthiner, Thomas and Dehghani, Mostafa and Minderer, Matthias and "
        "Heigold, Georg and Gelly, Sylvain and Uszkoreit, Jakob and Houlsby, Neil",
        "booktitle",
        "International Conference on Learning Representations",
        2021,
    ),
    "caron2021emerging": BibEntry(
        "inproceedings",
        "Emerging Properties in Self-Supervised Vision {Transformers}",
        "Caron, Mathilde and Touvron, Hugo and Misra, Ishan and J{\\'e}gou, Herv{\\'e} and Mairal, "
        "Julien and Bojanowski, Piotr and Joulin, Armand",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
    ),
    "raghu2021vision": BibEntry(
        "inproceedings",
        "Do Vision {Transformers} See Like Convolutional Neural Networks?",
        "Raghu, Maithra and Unterthiner, Thomas and Kornblith, Simon and Zhang, Chiyuan and "
        "Dosovitskiy, Alexey",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2021,
    ),
    "simeoni2021localizing": BibEntry(
        "inproceedings",
        "Localizing Objects with Self-Supervised {Transformers} and no Labels",
        "Sim{\\'e}oni, Oriane and Puy, Gilles and Vo, Huy V. and Roburin, Simon and Gidaris, "
        "Spyros and Bursuc, Andrei and P{\\'e}rez, Patrick and Marlet, Renaud and Ponce, Jean",
        "booktitle",
        "British Machine Vision Conference",
        2021,
    ),
    "radford2021learning": BibEntry(
        "inproceedings",
        "Learning Transferable Visual Models From Natural Language Supervision",
        "Radford, Alec and Kim, Jong Wook and Hallacy, Chris and Ramesh, Aditya and Goh, Gabriel "
        "and Agarwal, Sandhini and Sastry, Girish and Askell, Amanda and Mishkin, Pamela and "
        "Clark, Jack and Krueger, Gretchen and Sutskever, Ilya",
        "booktitle",
        "International Conference on Machine Learning",
        2021,
    ),
    "oquab2024dinov2": BibEntry(
        "article",
        "{DINOv2}: Learning Robust Visual Features without Supervision",
        "Oquab, Maxime and Darcet, Timoth{\\'e}e and Moutakanni, Th{\\'e}o and others",
        "journal",
        "Transactions on Machine Learning Research",
        2024,
    ),
    "darcet2024vision": BibEntry(
        "inproceedings",
        "Vision {Transformers} Need Registers",
        "Darcet, Timoth{\\'e}e and Oquab, Maxime and Mairal, Julien and Bojanowski, Piotr",
        "booktitle",
        "International Conference on Learning Representations",
        2024,
    ),
    "simeoni2025dinov3": BibEntry(
        "article",
        "{DINOv3}",
        "Sim{\\'e}oni, Oriane and Vo, Huy V. and Seitzer, Maximilian and others",
        "journal",
        "arXiv preprint arXiv:2508.10104",
        2025,
    ),
    "jiang2025vision": BibEntry(
        "article",
        "Vision {Transformers} Don't Need Trained Registers",
        "Jiang, Nick and Dravid, Amil and Efros, Alexei A. and Gandelsman, Yossi",
        "journal",
        "arXiv preprint arXiv:2506.08010",
        2025,
    ),
    "abnar2020quantifying": BibEntry(
        "inproceedings",
        "Quantifying Attention Flow in {Transformers}",
        "Abnar, Samira and Zuidema, Willem",
        "booktitle",
        "Annual Meeting of the Association for Computational Linguistics",
        2020,
    ),
    "kobayashi2020attention": BibEntry(
        "inproceedings",
        "Attention is Not Only a Weight: Analyzing {Transformers} with Vector Norms",
        "Kobayashi, Goro and Kuribayashi, Tatsuki and Yokoi, Sho and Inui, Kentaro",
        "booktitle",
        "Conference on Empirical Methods in Natural Language Processing",
        2020,
    ),
    "chefer2021generic": BibEntry(
        "inproceedings",
        "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder "
        "{Transformers}",
        "Chefer, Hila and Gur, Shir and Wolf, Lior",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
    ),
    "wang2022tokencut": BibEntry(
        "inproceedings",
        "Self-Supervised {Transformers} for Unsupervised Object Discovery using Normalized Cut",
        "Wang, Yangtao and Shen, Xi and Hu, Shell Xu and Yuan, Yuan and Crowley, James L. and "
        "Vaufreydaz, Dominique",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2022,
    ),
    "vilas2023analyzing": BibEntry(
        "inproceedings",
        "Analyzing Vision {Transformers} for Image Classification in Class Embedding Space",
        'Vilas, Martina G. and Schauml{\\"o}ffel, Timothy and Roig, Gemma',
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2023,
    ),
    "sun2024massive": BibEntry(
        "inproceedings",
        "Massive Activations in Large Language Models",
        "Sun, Mingjie and Chen, Xinlei and Kolter, J. Zico and Liu, Zhuang",
        "booktitle",
        "Conference on Language Modeling",
        2024,
    ),
    "touvron2021training": BibEntry(
        "inproceedings",
        "Training Data-efficient Image {Transformers} and Distillation through Attention",
        "Touvron, Hugo and Cord, Matthieu and Douze, Matthijs and Massa, Francisco and "
        "Sablayrolles, Alexandre and J{\\'e}gou, Herv{\\'e}",
        "booktitle",
        "International Conference on Machine Learning",
        2021,
    ),
    "touvron2022deit": BibEntry(
        "inproceedings",
        "{DeiT III}: Revenge of the {ViT}",
        "Touvron, Hugo and Cord, Matthieu and J{\\'e}gou, Herv{\\'e}",
        "booktitle",
        "European Conference on Computer Vision",
        2022,
    ),
    "bao2022beit": BibEntry(
        "inproceedings",
        "{BEiT}: {BERT} Pre-Training of Image {Transformers}",
        "Bao, Hangbo and Dong, Li and Piao, Songhao and Wei, Furu",
        "booktitle",
        "International Conference on Learning Representations",
        2022,
    ),
    "peng2022beit": BibEntry(
        "article",
        "{BEiT v2}: Masked Image Modeling with Vector-Quantized Visual Tokenizers",
        "Peng, Zhiliang and Dong, Li and Bao, Hangbo and Ye, Qixiang and Wei, Furu",
        "journal",
        "arXiv preprint arXiv:2208.06366",
        2022,
    ),
    "baevski2022data2vec": BibEntry(
        "inproceedings",
        "data2vec: A General Framework for Self-supervised Learning in Speech, Vision and Language",
        "Baevski, Alexei and Hsu, Wei-Ning and Xu, Qiantong and Babu, Arun and Gu, Jiatao and "
        "Auli, Michael",
        "booktitle",
        "International Conference on Machine Learning",
        2022,
    ),
    "he2022masked": BibEntry(
        "inproceedings",
        "Masked Autoencoders Are Scalable Vision Learners",
        "He, Kaiming and Chen, Xinlei and Xie, Saining and Li, Yanghao and Doll{\\'a}r, Piotr and "
        "Girshick, Ross",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2022,
    ),
    "assran2022masked": BibEntry(
        "inproceedings",
        "Masked {Siamese} Networks for Label-Efficient Learning",
        "Assran, Mahmoud and Caron, Mathilde and Misra, Ishan and Bojanowski, Piotr and others",
        "booktitle",
        "European Conference on Computer Vision",
        2022,
    ),
    "assran2023self": BibEntry(
        "inproceedings",
        "Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture",
        "Assran, Mahmoud and Duval, Quentin and Misra, Ishan and Bojanowski, Piotr and others",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2023,
    ),
    "zhai2023sigmoid": BibEntry(
        "inproceedings",
        "Sigmoid Loss for Language Image Pre-Training",
        "Zhai, Xiaohua and Mustafa, Basil and Kolesnikov, Alexander and Beyer, Lucas",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2023,
    ),
    "tschannen2025siglip": BibEntry(
        "article",
        "{SigLIP 2}: Multilingual Vision-Language Encoders with Improved Semantic Understanding, "
        "Localization, and Dense Features",
        "Tschannen, Michael and Gritsenko, Alexey and Wang, Xiao and Naeem, Muhammad Ferjad and "
        "others",
        "journal",
        "arXiv preprint arXiv:2502.14786",
        2025,
    ),
    "chuang2025metaclip": BibEntry(
        "article",
        "{MetaCLIP 2}: A Worldwide Scaling Recipe",
        "Chuang, Yung-Sung and others",
        "journal",
        "arXiv preprint arXiv:2507.22062",
        2025,
    ),
    "fini2025multimodal": BibEntry(
        "inproceedings",
        "Multimodal Autoregressive Pre-training of Large Vision Encoders",
        "Fini, Enrico and Shukor, Mustafa and Li, Xiujun and Dufter, Philipp and others",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2025,
    ),
    "an2024multi": BibEntry(
        "inproceedings",
        "Multi-label Cluster Discrimination for Visual Representation Learning",
        "An, Xiang and Yang, Kaicheng and Dai, Xiangzi and Feng, Ziyong and Deng, Jiankang",
        "booktitle",
        "European Conference on Computer Vision",
        2024,
    ),
    "ranzinger2024radio": BibEntry(
        "inproceedings",
        "{AM-RADIO}: Agglomerative Vision Foundation Model --- Reduce All Domains Into One",
        "Ranzinger, Mike and Heinrich, Greg and Kautz, Jan and Molchanov, Pavlo",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2024,
    ),
    "yang2025pursuit": BibEntry(
        "article",
        "In Pursuit of Pixel Supervision for Visual Pre-training",
        "Yang, Lihe and others",
        "journal",
        "arXiv preprint arXiv:2512.15715",
        2025,
    ),
    "fang2024eva": BibEntry(
        "article",
        "{EVA-02}: A Visual Representation for Neon Genesis",
        "Fang, Yuxin and Sun, Quan and Wang, Xinggang and Huang, Tiejun and Wang, Xinlong and "
        "Cao, Yue",
        "journal",
        "Image and Vision Computing",
        2024,
    ),
    "bolya2025perception": BibEntry(
        "article",
        "Perception Encoder: The Best Visual Embeddings Are Not at the Output of the Network",
        "Bolya, Daniel and Huang, Po-Yao and Sun, Peize and Cho, Jang Hyun and others",
        "journal",
        "arXiv preprint arXiv:2504.13181",
        2025,
    ),
    "chen2023altclip": BibEntry(
        "inproceedings",
        "{AltCLIP}: Altering the Language Encoder in {CLIP} for Extended Language Capabilities",
        "Chen, Zhongzhi and Liu, Guang and Zhang, Bo-Wen and Ye, Fulong and Yang, Qinghong and "
        "Wu, Ledell",
        "booktitle",
        "Findings of the Association for Computational Linguistics",
        2023,
    ),
    "li2022blip": BibEntry(
        "inproceedings",
        "{BLIP}: Bootstrapping Language-Image Pre-training for Unified Vision-Language "
        "Understanding and Generation",
        "Li, Junnan and Li, Dongxu and Xiong, Caiming and Hoi, Steven",
        "booktitle",
        "International Conference on Machine Learning",
        2022,
    ),
    "li2023blip": BibEntry(
        "inproceedings",
        "{BLIP-2}: Bootstrapping Language-Image Pre-training with Frozen Image Encoders and Large "
        "Language Models",
        "Li, Junnan and Li, Dongxu and Savarese, Silvio and Hoi, Steven",
        "booktitle",
        "International Conference on Machine Learning",
        2023,
    ),
    "dai2023instructblip": BibEntry(
        "inproceedings",
        "{InstructBLIP}: Towards General-purpose Vision-Language Models with Instruction Tuning",
        "Dai, Wenliang and Li, Junnan and Li, Dongxu and Tiong, Anthony Meng Huat and others",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2023,
    ),
    "yang2022chinese": BibEntry(
        "article",
        "{Chinese CLIP}: Contrastive Vision-Language Pretraining in {Chinese}",
        "Yang, An and Pan, Junshu and Lin, Junyang and Men, Rui and Zhang, Yichang and "
        "Zhou, Jingren and Zhou, Chang",
        "journal",
        "arXiv preprint arXiv:2211.01335",
        2022,
    ),
    "luddecke2022image": BibEntry(
        "inproceedings",
        "Image Segmentation Using Text and Image Prompts",
        'L{\\"u}ddecke, Timo and Ecker, Alexander',
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2022,
    ),
    "ranftl2021vision": BibEntry(
        "inproceedings",
        "Vision {Transformers} for Dense Prediction",
        r"Ranftl, Ren{\'e} and Bochkovskiy, Alexey and Koltun, Vladlen",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2021,
    ),
    "singh2022flava": BibEntry(
        "inproceedings",
        "{FLAVA}: A Foundational Language and Vision Alignment Model",
        "Singh, Amanpreet and Hu, Ronghang and Goswami, Vedanuj and Couairon, Guillaume and "
        "Galuba, Wojciech and Rohrbach, Marcus and Kiela, Douwe",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2022,
    ),
    "wang2022git": BibEntry(
        "article",
        "{GIT}: A Generative Image-to-text Transformer for Vision and Language",
        "Wang, Jianfeng and Yang, Zhengyuan and Hu, Xiaowei and Li, Linjie and others",
        "journal",
        "Transactions on Machine Learning Research",
        2022,
    ),
    "laurencon2024matters": BibEntry(
        "inproceedings",
        "What Matters When Building Vision-Language Models?",
        r"Lauren{\c{c}}on, Hugo and Tronchon, L{\'e}o and Cord, Matthieu and Sanh, Victor",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2024,
    ),
    "laurencon2024building": BibEntry(
        "article",
        "Building and Better Understanding Vision-Language Models: Insights and Future Directions",
        r"Lauren{\c{c}}on, Hugo and Marafioti, Andr{\'e}s and Sanh, Victor and "
        r"Tronchon, L{\'e}o",
        "journal",
        "arXiv preprint arXiv:2408.12637",
        2024,
    ),
    "marafioti2025smolvlm": BibEntry(
        "article",
        "{SmolVLM}: Redefining Small and Efficient Multimodal Models",
        r"Marafioti, Andr{\'e}s and Zohar, Orr and Farr{\'e}, Miquel and Noyan, Merve and others",
        "journal",
        "arXiv preprint arXiv:2504.05299",
        2025,
    ),
    "chen2024internvl": BibEntry(
        "inproceedings",
        "{InternVL}: Scaling up Vision Foundation Models and Aligning for Generic "
        "Visual-Linguistic Tasks",
        "Chen, Zhe and Wu, Jiannan and Wang, Wenhai and Su, Weijie and others",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2024,
    ),
    "wu2025janus": BibEntry(
        "inproceedings",
        "{Janus}: Decoupling Visual Encoding for Unified Multimodal Understanding and Generation",
        "Wu, Chengyue and Chen, Xiaokang and Wu, Zhiyu and Ma, Yiyang and others",
        "booktitle",
        "IEEE/CVF Conference on Computer Vision and Pattern Recognition",
        2025,
    ),
    "peng2023kosmos": BibEntry(
        "article",
        "{Kosmos-2}: Grounding Multimodal Large Language Models to the World",
        "Peng, Zhiliang and Wang, Wenhui and Dong, Li and Hao, Yaru and Huang, Shaohan and "
        "Ma, Shuming and Wei, Furu",
        "journal",
        "arXiv preprint arXiv:2306.14824",
        2023,
    ),
    "lu2024ovis": BibEntry(
        "article",
        "{Ovis}: Structural Embedding Alignment for Multimodal Large Language Model",
        "Lu, Shiyin and Li, Yang and Chen, Qing-Guo and Xu, Zhao and Luo, Weihua and "
        "Zhang, Kaifu and Ye, Han-Jia",
        "journal",
        "arXiv preprint arXiv:2405.20797",
        2024,
    ),
    "minderer2022simple": BibEntry(
        "inproceedings",
        "Simple Open-Vocabulary Object Detection with Vision Transformers",
        "Minderer, Matthias and Gritsenko, Alexey and Stone, Austin and Neumann, Maxim and others",
        "booktitle",
        "European Conference on Computer Vision",
        2022,
    ),
    "minderer2023scaling": BibEntry(
        "inproceedings",
        "Scaling Open-Vocabulary Object Detection",
        "Minderer, Matthias and Gritsenko, Alexey and Houlsby, Neil",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2023,
    ),
    "agrawal2024pixtral": BibEntry(
        "article",
        "{Pixtral 12B}",
        "Agrawal, Pravesh and Antoniak, Szymon and Hanna, Emma Bou and others",
        "journal",
        "arXiv preprint arXiv:2410.07073",
        2024,
    ),
    "maninis2025tips": BibEntry(
        "inproceedings",
        "{TIPS}: Text-Image Pretraining with Spatial Awareness",
        "Maninis, Kevis-Kokitsi and Chen, Kaifeng and Ghosh, Soham and Karpur, Arjun and others",
        "booktitle",
        "International Conference on Learning Representations",
        2025,
    ),
    "wang2024qwen": BibEntry(
        "article",
        "{Qwen2-VL}: Enhancing Vision-Language Model's Perception of the World at Any Resolution",
        "Wang, Peng and Bai, Shuai and Tan, Sinan and Wang, Shijie and others",
        "journal",
        "arXiv preprint arXiv:2409.12191",
        2024,
    ),
    "bai2025qwen": BibEntry(
        "article",
        "{Qwen2.5-VL} Technical Report",
        "Bai, Shuai and Chen, Keqin and Liu, Xuejing and Wang, Jialin and others",
        "journal",
        "arXiv preprint arXiv:2502.13923",
        2025,
    ),
    "bai2025qwen3": BibEntry(
        "article",
        "{Qwen3-VL} Technical Report",
        "Bai, Shuai and others",
        "journal",
        "arXiv preprint arXiv:2511.21631",
        2025,
    ),
    "hong2025glm": BibEntry(
        "article",
        "{GLM-4.5V} and {GLM-4.1V-Thinking}: Towards Versatile Multimodal Reasoning with Scalable "
        "Reinforcement Learning",
        "Hong, Wenyi and Yu, Wenmeng and Gu, Xiaotao and others",
        "journal",
        "arXiv preprint arXiv:2507.01006",
        2025,
    ),
    "fang2021you": BibEntry(
        "inproceedings",
        "You Only Look at One Sequence: Rethinking {Transformer} in Vision through Object "
        "Detection",
        "Fang, Yuxin and Liao, Bencheng and Wang, Xinggang and Fang, Jiemin and others",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2021,
    ),
    "kirillov2023segment": BibEntry(
        "inproceedings",
        "Segment Anything",
        "Kirillov, Alexander and Mintun, Eric and Ravi, Nikhila and Mao, Hanzi and others",
        "booktitle",
        "IEEE/CVF International Conference on Computer Vision",
        2023,
    ),
    "ke2023segment": BibEntry(
        "inproceedings",
        "Segment Anything in High Quality",
        "Ke, Lei and Ye, Mingqiao and Danelljan, Martin and Liu, Yifan and Tai, Yu-Wing and Tang, "
        "Chi-Keung and Yu, Fisher",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2023,
    ),
    "carion2025sam": BibEntry(
        "article",
        "{SAM 3}: Segment Anything with Concepts",
        "Carion, Nicolas and Gustafson, Laura and Hu, Yuan-Ting and others",
        "journal",
        "arXiv preprint arXiv:2511.16719",
        2025,
    ),
    "wei2024general": BibEntry(
        "article",
        "General {OCR} Theory: Towards {OCR-2.0} via a Unified End-to-end Model",
        "Wei, Haoran and Liu, Chenglong and Chen, Jinyue and Wang, Jia and others",
        "journal",
        "arXiv preprint arXiv:2409.01704",
        2024,
    ),
    "li2022exploring": BibEntry(
        "inproceedings",
        "Exploring Plain Vision {Transformer} Backbones for Object Detection",
        "Li, Yanghao and Mao, Hanzi and Girshick, Ross and He, Kaiming",
        "booktitle",
        "European Conference on Computer Vision",
        2022,
    ),
    "meta2025llama": BibEntry(
        "misc",
        "The {Llama} 4 Herd: The Beginning of a New Era of Natively Multimodal {AI} Innovation",
        "{Meta AI}",
        "howpublished",
        "Blog post",
        2025,
    ),
    "lv2023kosmos": BibEntry(
        "article",
        "{Kosmos-2.5}: A Multimodal Literate Model",
        "Lv, Tengchao and Huang, Yupan and Chen, Jingye and Cui, Lei and others",
        "journal",
        "arXiv preprint arXiv:2309.11419",
        2023,
    ),
    "assran2025vjepa": BibEntry(
        "article",
        "{V-JEPA 2}: Self-Supervised Video Models Enable Understanding, Prediction and Planning",
        "Assran, Mido and Bardes, Adrien and Fan, David and Garrido, Quentin and others",
        "journal",
        "arXiv preprint arXiv:2506.09985",
        2025,
    ),
    "tong2022videomae": BibEntry(
        "inproceedings",
        "{VideoMAE}: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video "
        "Pre-Training",
        "Tong, Zhan and Song, Yibing and Wang, Jue and Wang, Limin",
        "booktitle",
        "Advances in Neural Information Processing Systems",
        2022,
    ),
}
"""Papers that figures and the methods page cite, by key."""
