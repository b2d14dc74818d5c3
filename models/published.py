"""Published figures that a report sets beside its own: facts of others, on data that is not this program's.

The paper: "Data-Fusion-Based Two-Stage Cascade Framework for Multimodality Face Anti-Spoofing", Tables III to XI.
Remarks are recomputations from the counts that the tables print.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """`figure` as printed; `remark` where the printed numbers do not agree with each other."""

    what: str
    data: str
    figure: str
    remark: str = ""


PAPER = (
    Published(
        "D-Net, F1 / F1 and F3 / all three (III)",
        "MIP-2-D",
        "ACER 1.2 / 0.8 / 0.5 %",
        "0.8 in the text, 0.5 in the table; F2 and F3 (1.4) is worse than F1 alone (1.2)",
    ),
    Published(
        "M-Net, colour / infrared / fusion / FMix fusion (IV)",
        "MIP-3-D",
        "ACER 0.4966 / 0.974 / 0.0857 / 0.0820 %",
        "by its own rates infrared is 0.947 and fusion 0.503",
    ),
    Published(
        "M-Net against other nets (V)",
        "MIP-3-D",
        "ACER 0.082 %",
        "one error a class among 1,108 attacks and 1,355 live (upper 95 % bounds 0.50 and 0.41 %); "
        "the row of the patch CNN is rotated",
    ),
    Published(
        "M-Net, without / with fusion (VI)",
        "CASIA-SURF",
        "ACER 1.114 / 0.296 %; TPR at FPR 1e-2 99.53 / 99.86, at 1e-3 93.58 / 98.67 %",
        "the counts are those of the validation set",
    ),
    Published("backbone, patches, weighted fine-tuning (VII)", "MIP-3-D", "ACER 0.095 → 0.082 %"),
    Published("D-Net across sets (VIII)", "CASIA-SURF ↔ MIP", "ACER 43.5 / 19.4 %"),
    Published("M-Net across sets (IX)", "CASIA-SURF ↔ MIP", "ACER 12.6 / 9.5 %"),
    Published(
        "M-Net trained on 3-D, tested on all (X)",
        "MIPD",
        "ACER 0.301 %",
        "its own rates average 0.360; the row of CDCN repeats FaceBagNet's of V",
    ),
    Published(
        "cascade on all: ResNet-18 / FeatherNet / FaceBagNet / theirs (XI)",
        "MIPD, 7,506 attacks and 4,947 live",
        "ACER 0.4152 / 0.3425 / 0.1102 / 0.1071 %",
        "with the 8 accepted attacks printed it is 0.114, behind FaceBagNet's 0.110",
    ),
)

OTHERS = (
    Published("colour only", "CASIA-SURF test", "ACER 21.0 %; TPR at FPR 1e-4 14.6 %"),
    Published("infrared only", "CASIA-SURF test", "ACER 19.4 %; TPR at FPR 1e-4 15.9 %"),
    Published("depth only", "CASIA-SURF test", "ACER 3.6 %; TPR at FPR 1e-4 67.3 %"),
    Published("all three", "CASIA-SURF test", "ACER 1.0 %; TPR at FPR 1e-2, 1e-3, 1e-4 99.7 / 97.4 / 92.4 %"),
    Published("multi-scale SEF", "CASIA-SURF test", "ACER 0.8 %; TPR 99.8 / 98.4 / 95.2 %"),
    Published("PSMM-Net", "CASIA-SURF test", "ACER 0.4 %; TPR 99.9 / 99.3 / 96.2 %"),
    Published("PSMM-Net pre-trained on CeFA", "CASIA-SURF test", "ACER 0.2 %; TPR 99.9 / 99.7 / 97.6 %"),
    Published("PSMM-Net, protocols 1 to 4", "CeFA", "ACER 3.5 ± 1.3, 5.4 ± 5.3, 12.2 ± 5.2, 6.7 ± 2.2 %"),
)
