"""The papers of models and methods, as BibTeX has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BibEntry:
    """An entry. Its texts are LaTeX, braces that keep capitals included."""

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
}
"""Papers that figures and the methods page cite, by key."""
