"""A small convolutional network, the counterpart of the ViT in lesson 02."""

import torch.nn.functional as F
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Three 3x3 convolutions, the mean over the picture, a linear head: (B, C, H, W) -> logits (B, num_classes).

    channels: C; num_classes: number of logits; width: channels of the first convolution, doubled by each later one
    batch_norm: whether each convolution is followed by batch normalisation, or by nothing but its bias
    Pictures of any size from 4x4 pixels; made for 28x28 and 32x32.
    """

    def __init__(self, channels: int, num_classes: int, width: int = 32, batch_norm: bool = True):
        super().__init__()
        norm = nn.BatchNorm2d if batch_norm else nn.Identity
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=not batch_norm)
        self.norm1 = norm(width)
        self.conv2 = nn.Conv2d(width, 2 * width, kernel_size=3, padding=1, bias=not batch_norm)
        self.norm2 = norm(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 4 * width, kernel_size=3, padding=1, bias=not batch_norm)
        self.norm3 = norm(4 * width)
        self.head = nn.Linear(4 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.stages(images)["logits"]

    def stages(self, images: Tensor) -> dict[str, Tensor]:
        """Every stage on the way from images (B, C, H, W) to logits, by name, in order; width is the model's.

        conv_1  (B, width, H/2, W/2),  conv_2  (B, 2*width, H/4, W/4),  conv_3  (B, 4*width, H/4, W/4)
        pooled  (B, 4*width): the mean over the picture,  logits  (B, num_classes)
        """
        out = {}
        out["conv_1"] = F.max_pool2d(self.norm1(self.conv1(images)).relu(), 2)  # (B, C, H, W) -> (B, width, H/2, W/2)
        out["conv_2"] = F.max_pool2d(self.norm2(self.conv2(out["conv_1"])).relu(), 2)  # -> (B, 2*width, H/4, W/4)
        out["conv_3"] = self.norm3(self.conv3(out["conv_2"])).relu()  # -> (B, 4*width, H/4, W/4)
        out["pooled"] = out["conv_3"].mean(dim=(2, 3))  # -> (B, 4*width)
        out["logits"] = self.head(out["pooled"])  # (B, 4*width) -> (B, num_classes)
        return out
