"""Vision transformers as their projects write them, small: what a checkpoint must agree with.

Each keeps the attention of its blocks, ``[image, head, query, key]``, in ``attentions``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEADS, LAYERS, PATCH, GRID = 32, 4, 3, 16, 4


def seeded(network: nn.Module, seed: int = 0) -> Any:
    """The network with weights that make attention far from uniform."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() >= 2:
                parameter.normal_(std=0.25)
            elif "norm" not in name and "ln_" not in name:
                parameter.normal_(std=0.1)
    return network.eval()


class Attention(nn.Module):
    """Of timm, DINO, DINOv2, MAE: one layer for query, key and value."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        count, tokens, _ = x.shape
        q, k, v = self.qkv(x).reshape(count, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / (WIDTH // HEADS) ** 0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(x.shape)), weights


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class SwiGlu(nn.Module):
    """DINOv2's giant."""

    def __init__(self) -> None:
        super().__init__()
        hidden = (int(4 * WIDTH * 2 / 3) + 7) // 8 * 8
        self.w12, self.w3 = nn.Linear(WIDTH, 2 * hidden), nn.Linear(hidden, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.w12(x).chunk(2, dim=-1)
        return self.w3(functional.silu(gate) * value)


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, *, scaled: bool, gated: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(2))
        self.attn = Attention()
        self.mlp = SwiGlu() if gated else Mlp()
        self.ls1, self.ls2 = (Scale() if scaled else nn.Identity() for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        attended, weights = self.attn(self.norm1(x))
        x = x + self.ls1(attended)
        return x + self.ls2(self.mlp(self.norm2(x))), weights


class Embed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, WIDTH, PATCH, PATCH)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class Dino(nn.Module):
    """DINO, MAE's encoder, MoCo v3, DeiT (``distilled``) and DINOv2 (``scaled``)."""

    def __init__(
        self,
        *,
        scaled: bool = False,
        gated: bool = False,
        registers: int = 0,
        distilled: bool = False,
        chunks: bool = False,
    ) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        extra = 1 + distilled
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID**2 + extra, WIDTH))
        if distilled:
            self.dist_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        if registers:
            self.register_tokens = nn.Parameter(torch.zeros(1, registers, WIDTH))
        if scaled:
            self.mask_token = nn.Parameter(torch.zeros(1, WIDTH))
        self.patch_embed = Embed()
        blocks = [Block(scaled=scaled, gated=gated) for _ in range(LAYERS)]
        if chunks:  # the second holds blanks where the first has its blocks
            blank = [nn.Identity() for _ in range(2)]
            self.blocks = nn.ModuleList(
                [nn.ModuleList(blocks[:2]), nn.ModuleList([*blank, *blocks[2:]])]
            )
        else:
            self.blocks = nn.ModuleList(blocks)
        self.ordered = tuple(blocks)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patch_embed(pixels)
        front = [self.cls_token]
        if hasattr(self, "dist_token"):
            front.append(self.dist_token)
        x = torch.cat([*(token.expand(len(x), -1, -1) for token in front), x], dim=1)
        x = x + self.pos_embed
        if hasattr(self, "register_tokens"):
            registers = self.register_tokens.expand(len(x), -1, -1)
            x = torch.cat([x[:, :1], registers, x[:, 1:]], dim=1)
        self.attentions = []
        for block in self.ordered:
            x, weights = block(x)
            self.attentions.append(weights)
        return self.norm(x)


class MaskedBias(nn.Linear):
    """DINOv3's layer for query, key and value, whose keys have no bias."""

    def __init__(self) -> None:
        super().__init__(WIDTH, 3 * WIDTH)
        mask = torch.ones(3 * WIDTH)
        mask[WIDTH : 2 * WIDTH] = 0
        self.register_buffer("bias_mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias * self.bias_mask)


class GatedMlp(nn.Module):
    """DINOv3's S+, H+ and 7B."""

    def __init__(self) -> None:
        super().__init__()
        self.w1, self.w2 = (nn.Linear(WIDTH, 2 * WIDTH) for _ in range(2))
        self.w3 = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.w3(functional.silu(self.w1(x)) * self.w2(x))


class Rotary(nn.Module):
    """DINOv3's rotary embedding: centers of patches from -1 to 1, the row first."""

    def __init__(self) -> None:
        super().__init__()
        head = WIDTH // HEADS
        self.register_buffer("periods", 100.0 ** (2 * torch.arange(head // 4) / (head // 2)))

    def forward(self, rows: int, cols: int) -> tuple[Tensor, Tensor]:
        places = [2 * (torch.arange(count) + 0.5) / count - 1 for count in (rows, cols)]
        at = torch.stack(torch.meshgrid(*places, indexing="ij"), dim=-1).reshape(-1, 2)
        angles = (2 * torch.pi * at[:, :, None] / self.periods).flatten(1).tile(2)
        return angles.sin(), angles.cos()


class RotaryBlock(nn.Module):
    def __init__(self, *, gated: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, eps=1e-5) for _ in range(2))
        self.attn = Attention()
        self.attn.qkv = MaskedBias()
        self.mlp = GatedMlp() if gated else Mlp()
        self.ls1, self.ls2 = Scale(), Scale()

    def forward(self, x: Tensor, sine: Tensor, cosine: Tensor) -> tuple[Tensor, Tensor]:
        count, tokens, _ = x.shape
        parts = self.attn.qkv(self.norm1(x)).reshape(count, tokens, 3, HEADS, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        q, k = (turned(each, sine, cosine) for each in (q, k))
        weights = (q @ k.transpose(-2, -1) / (WIDTH // HEADS) ** 0.5).softmax(-1)
        attended = self.attn.proj((weights @ v).transpose(1, 2).reshape(x.shape))
        x = x + self.ls1(attended)
        return x + self.ls2(self.mlp(self.norm2(x))), weights


def turned(x: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    """Queries or keys, those of patches turned by their place."""
    prefix = x.shape[-2] - len(sine)
    patches = x[:, :, prefix:]
    first, second = patches.chunk(2, dim=-1)
    rotated = patches * cosine + torch.cat([-second, first], dim=-1) * sine
    return torch.cat([x[:, :, :prefix], rotated], dim=2)


class Dinov3(nn.Module):
    def __init__(self, *, gated: bool = False) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.storage_tokens = nn.Parameter(torch.zeros(1, 4, WIDTH))
        self.mask_token = nn.Parameter(torch.zeros(1, WIDTH))
        self.patch_embed = Embed()
        self.rope_embed = Rotary()
        self.blocks = nn.ModuleList(RotaryBlock(gated=gated) for _ in range(LAYERS))
        self.norm, self.local_cls_norm = (nn.LayerNorm(WIDTH, eps=1e-5) for _ in range(2))

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patch_embed(pixels)
        turns = self.rope_embed(*(side // PATCH for side in pixels.shape[2:]))
        front = (token.expand(len(x), -1, -1) for token in (self.cls_token, self.storage_tokens))
        x = torch.cat([*front, x], dim=1)
        self.attentions = []
        for block in self.blocks:
            x, weights = block(x, *turns)
            self.attentions.append(weights)
        return self.norm(x)


class ClipBlock(nn.Module):
    """OpenAI's and open_clip's, around ``nn.MultiheadAttention``."""

    def __init__(self, *, quick: bool) -> None:
        super().__init__()
        self.quick = quick
        self.attn = nn.MultiheadAttention(WIDTH, HEADS)
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(WIDTH, 4 * WIDTH))
        self.mlp.add_module("c_proj", nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.ln_1(x)
        attended, weights = self.attn(y, y, y, need_weights=True, average_attn_weights=False)
        x = x + attended
        hidden = self.mlp.c_fc(self.ln_2(x))
        hidden = hidden * torch.sigmoid(1.702 * hidden) if self.quick else functional.gelu(hidden)
        return x + self.mlp.c_proj(hidden), weights


class ClipTransformer(nn.Module):
    def __init__(self, *, quick: bool) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(ClipBlock(quick=quick) for _ in range(LAYERS))


class Clip(nn.Module):
    """The tower that OpenAI's CLIP and open_clip call ``visual``."""

    def __init__(self, *, quick: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.positional_embedding = nn.Parameter(torch.zeros(GRID**2 + 1, WIDTH))
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = ClipTransformer(quick=quick)
        self.proj = nn.Parameter(torch.zeros(WIDTH, 16))

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        front = self.class_embedding.expand(len(x), 1, -1)
        x = self.ln_pre(torch.cat([front, x], dim=1) + self.positional_embedding)
        x = x.transpose(0, 1)
        self.attentions = []
        for block in self.transformer.resblocks:
            x, weights = block(x)
            self.attentions.append(weights)
        return x.transpose(0, 1)  # before ln_post, which transformers leaves to the pooled token


class TorchvisionBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = (nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(2))
        self.self_attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 64), nn.GELU(), nn.Dropout(0.0), nn.Linear(64, WIDTH)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.ln_1(x)
        attended, weights = self.self_attention(y, y, y, average_attn_weights=False)
        x = x + attended
        return x + self.mlp(self.ln_2(x)), weights


class TorchvisionEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.zeros(1, GRID**2 + 1, WIDTH))
        self.layers = nn.ModuleDict(
            {f"encoder_layer_{n}": TorchvisionBlock() for n in range(LAYERS)}
        )
        self.ln = nn.LayerNorm(WIDTH, eps=1e-6)


class Torchvision(nn.Module):
    """torchvision's VisionTransformer."""

    def __init__(self) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.conv_proj = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.encoder = TorchvisionEncoder()
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(WIDTH, 5))

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.conv_proj(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        x = x + self.encoder.pos_embedding
        self.attentions = []
        for block in self.encoder.layers.values():
            x, weights = block(x)
            self.attentions.append(weights)
        return self.encoder.ln(x)
