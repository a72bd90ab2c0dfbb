"""torchvision's networks."""

import torch

for operator in ("nms", "qnms"):
    try:
        # Some builds of torchvision and torch do not match: then only its operators of detection are missing.
        torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    except RuntimeError:
        pass

from torchvision.models import get_model  # noqa: E402, F401
