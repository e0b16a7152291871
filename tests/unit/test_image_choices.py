import pytest

from shared.image_choices import detection_model, face_attributes


@pytest.mark.parametrize(
    ("text", "attributes", "model"),
    [
        pytest.param("mask", ("mask",), "detection_03", id="mask"),
        pytest.param(
            " qualityForRecognition ,headPose, blur , mask ",
            ("qualityForRecognition", "headPose", "blur", "mask"),
            "detection_03",
            id="all that goes with mask",
        ),
        pytest.param("blur", ("blur",), "detection_01", id="either could, the default does"),
        pytest.param("glasses,glasses", ("glasses",), "detection_01", id="twice"),
        pytest.param(
            "accessories,blur,exposure,glasses,headPose,noise,occlusion,qualityForRecognition",
            (
                "accessories",
                "blur",
                "exposure",
                "glasses",
                "headPose",
                "noise",
                "occlusion",
                "qualityForRecognition",
            ),
            "detection_01",
            id="all that goes without",
        ),
    ],
)
def test_attributes_of_one_model_are_read_and_choose_it(
    text: str, attributes: tuple[str, ...], model: str
) -> None:
    assert face_attributes().parse(text) == attributes
    assert detection_model(attributes) == model


@pytest.mark.parametrize("name", ["accessories", "exposure", "glasses", "noise", "occlusion"])
def test_what_no_model_tells_beside_masks_is_refused_with_them(name: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        face_attributes().parse(f"mask, {name}")


@pytest.mark.parametrize(
    "text", ["age", "Mask", "headpose", "mask;blur", "mask blur", "mask,", ",", "mask,,blur"]
)
def test_what_is_no_list_of_known_attributes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        face_attributes().parse(text)
