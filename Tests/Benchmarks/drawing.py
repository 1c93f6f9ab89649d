"""What the pictures of benchmarks have in common. Needs Debian's python3-matplotlib."""

import io
import os
import re
import sys

try:
    import matplotlib
except ModuleNotFoundError:
    sys.exit(f"{os.path.basename(sys.argv[0])}: matplotlib is missing: install python3-matplotlib")

matplotlib.use("Agg")
# Text stays text in the SVG, and the same results give the same bytes.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rowhouse", "font.size": 10})
from matplotlib import pyplot  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.text import Text  # noqa: E402

OURS, THEIRS = "#c0392b", "#7f8c8d"
# Names the program that drew an SVG, by which others draw other bytes.
PROGRAM = re.compile(r"<dc:title>Matplotlib v([^,<]*)")


def style(axes: pyplot.Axes) -> None:
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def cut_off(figure: Figure) -> list[str]:
    """The texts that run out of the figure."""
    figure.canvas.draw()
    # Beyond an axis's ends there are marks that are not drawn.
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            first, last = sorted(axis.get_view_interval())
            hidden |= {label for tick in (*axis.majorTicks, *axis.minorTicks) if not first <= tick.get_loc() <= last
                       for label in (tick.label1, tick.label2)}
    whole = figure.bbox.padded(1)
    found = []
    for text in figure.findobj(Text):
        if text in hidden or not text.get_visible() or not text.get_text().strip():
            continue
        extent = text.get_window_extent()
        if extent.x0 < whole.x0 or extent.x1 > whole.x1 or extent.y0 < whole.y0 or extent.y1 > whole.y1:
            found.append(text.get_text())
    return found


def svg(figure: Figure) -> str:
    """The picture, without the day on which it was drawn: the results say when they were measured."""
    picture = io.StringIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    return re.sub(r"[ \t]+$", "", picture.getvalue(), flags=re.M)


def complaints(figure: Figure, kept: str) -> list[str]:
    """What is wrong with a picture that is kept, a line each."""
    # First of all: a figure that was drawn once before is laid out a little differently.
    drawn = svg(figure)
    lines = [f"{kept}: this runs out of the picture: {text}" for text in cut_off(figure)]
    with open(kept, encoding="utf-8") as file:
        before = file.read()
    program = PROGRAM.search(before)
    if program is None or program[1] != matplotlib.__version__:
        print(f"{kept}: not compared, as another matplotlib has drawn it")
    elif before != drawn:
        lines.append(f"{kept}: the results give another picture")
    return lines
