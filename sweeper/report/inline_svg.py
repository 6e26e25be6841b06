"""A drawn SVG as a part of a page: in the page's colours, light or dark, and with ids of its own."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from sweeper.report.figures.looks import COLOURS, FAINT, INK

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
LEFT_OUT = (f"{SVG}metadata", f"{SVG}title", f"{SVG}style")
# The drawing's colours as the page's style sheet calls them.
THEME = {INK: "currentColor", FAINT: "var(--faint)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(COLOURS)
}
PAPER = "#ffffff"


def inline_svg(drawn: bytes, name: str, label_id: str) -> str:
    """Return an SVG for the inside of an HTML page, named `name` and described by the element `label_id` there.

    It has no background, no fonts, no style sheet and no namespace prefix; what it says is text still.
    """
    root = ET.fromstring(drawn)
    parents = {child: parent for parent in root.iter() for child in parent}
    attributes = [item for element in root.iter() for item in element.attrib.items()]
    referring = " ".join(value for key, value in attributes if key == HREF or value.startswith("url(#"))
    used = set(re.findall(r"#(\w+)", referring))
    for item in list(root.iter()):
        if item.tag in LEFT_OUT or _is_background(item):
            parents[item].remove(item)
            continue
        _rename(item, name, used)
        if "style" in item.attrib:
            item.set("style", _themed(item.attrib["style"]))
        item.tag = item.tag.removeprefix(SVG)
        # Without the indentation between elements.
        item.text, item.tail = (text if text and text.strip() else None for text in (item.text, item.tail))
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib |= {"role": "img", "aria-labelledby": label_id}
    return ET.tostring(root, encoding="unicode")


def _is_background(item: ET.Element) -> bool:
    return item.tag == f"{SVG}path" and item.get("style") == f"fill: {PAPER}"


def _rename(item: ET.Element, name: str, used: set[str]) -> None:
    """Keep the ids that are referred to, with the figure's name before them."""
    own = item.attrib.pop("id", None)
    if own in used:
        item.set("id", f"{name}-{own}")
    for key in list(item.attrib):
        if key == HREF:
            item.set("href", item.attrib.pop(key).replace("#", f"#{name}-", 1))
        elif item.attrib[key].startswith("url(#"):
            item.set(key, item.attrib[key].replace("#", f"#{name}-", 1))


def _themed(style: str) -> str:
    style = re.sub(r"font-family: [^;]*;? ?", "", style)
    return re.sub(r"#[0-9a-f]{6}", lambda found: THEME.get(found[0], found[0]), style)


def natural_width(drawn: bytes) -> float:
    """Width of a drawn SVG in CSS pixels, of which 4 are 3 points."""
    found = re.search(rb'<svg[^>]* width="([\d.]+)pt"', drawn)
    assert found is not None, "Matplotlib gives sizes in points"
    return float(found[1]) * 4 / 3
