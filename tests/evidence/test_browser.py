"""The page in a real browser: filters, timelines, links, keyboard, accessibility, phone and print. Skips without one."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.browser import DARK, LIGHT, PHONE, browser, missing
from docs._make.checkout import ROOT
from proofs.evidence.structure import Evidence, EvidenceCell, Matrix, Obligations
from proofs.report.html import html
from tests.evidence.pages import CRASH, with_a_crash

if TYPE_CHECKING:
    from PIL.Image import Image
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")
FINDING = "claim-sets-no-recall/node-backed"
SCREENSHOTS = ROOT / "tests/data/screenshots"


@pytest.fixture(scope="module")
def file(small: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(with_a_crash(small), 1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def visit(page: Page, file: Path, fragment: str = "") -> list[str]:
    """Load the page anew; what it complains of is collected."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith("data:") else None)
    page.goto("about:blank")
    page.goto(f"{file.as_uri()}{f'#{fragment}' if fragment else ''}")
    return complaints


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """The page, light; in the end nothing was complained of, and nothing else was asked for."""
    opened = chromium.new_page(**LIGHT)
    complaints = visit(opened, file)
    yield opened
    assert [text for text in complaints if not text.startswith((file.as_uri(), "about:"))] == []
    opened.close()


def shown(page: Page) -> str:
    return page.locator("#shown").inner_text()


def said(cells: list[EvidenceCell]) -> str:
    return f"{len(cells)} verdicts in {len({(cell.property, *cell.conditions) for cell in cells})} rows"


def test_filters(page: Page, small: Evidence) -> None:
    assert isinstance(small.matrix, Matrix)
    cells = small.matrix.cells
    assert shown(page) == said(cells)
    page.locator("select[name=generation]").select_option("claim-sets")
    assert shown(page) == said([cell for cell in cells if cell.semantics == "claim-sets"])
    assert page.locator("#grid thead th:visible").all_inner_texts() == ["property", "claim-sets"]
    assert page.locator(f"[id='f:{FINDING}']").is_hidden()
    page.locator("select[name=generation]").select_option("")
    page.locator("select[name=verdict]").select_option("refuted")
    assert shown(page) == said([cell for cell in cells if cell.verdict == "refuted"])
    page.locator("select[name=verdict]").select_option("")
    page.locator("input[name=conditions]").uncheck()
    assert shown(page) == said([cell for cell in cells if not cell.conditions]) == "4 verdicts in 2 rows"
    page.locator("select[name=property]").select_option("host-backed")
    assert shown(page) == "2 verdicts in 1 rows"


def test_the_matrix_by_keyboard(page: Page) -> None:
    page.locator(".matrix").focus()
    page.keyboard.press("Tab")
    meaning = page.locator("#meaning")
    assert meaning.inner_text().startswith("claim-sets-no-recall: refuted by a shortest trace of 3 events")
    page.keyboard.press("ArrowRight")
    assert meaning.inner_text() == (
        "claim-sets: proved, with any number of nodes and domains: No node has more claimed than free pages."
    )
    page.keyboard.press("ArrowDown")  # over the empty place
    assert meaning.inner_text() == (
        "claim-sets: refuted by a shortest trace of 5 events from boot: The host has no more claimed than free pages."
    )
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#f:claim-sets-no-recall/host-backed"
    assert page.locator("[id='f:claim-sets-no-recall/host-backed'] svg").count() > 0


def test_a_timeline_is_stepped_through(page: Page) -> None:
    page.locator(f"#grid a[href='#f:{FINDING}']").click()
    finding = page.locator(f"[id='f:{FINDING}']")
    here, there = finding.locator(".side").nth(0), finding.locator(".side").nth(1)
    assert finding.locator("output").inner_text() == "event 3 of 3"
    assert "✗ breaks here" in here.locator("svg").nth(1).inner_html()
    assert "✗ breaks here" not in there.locator("svg").nth(1).inner_html()
    assert "node_outstanding_claims[0]@3 <= node_avail_pages[0]@3" in here.locator(".facts").inner_text()
    assert "The sum that breaks" not in there.locator(".facts").inner_text()
    finding.locator("input[type=range]").focus()
    page.keyboard.press("ArrowLeft")
    assert finding.locator("output").inner_text() == "event 2 of 3"
    facts = here.locator(".facts").inner_text()
    assert "install_claim_set" in facts
    assert "claims = [1 on node 0]" in facts
    assert "page_alloc_lock of d0, then heap_lock" in facts
    assert here.locator(".facts tbody tr").first.inner_text().split() == ["outstanding_claims", "0", "1"]
    finding.get_by_role("button", name="Step back").click()
    assert "create_domain" in there.locator(".facts").inner_text()
    here.locator("g.column").nth(3).click()
    assert "offline_page" in here.locator(".facts").inner_text()
    here.locator(".scroll").focus()
    page.keyboard.press("ArrowLeft")
    assert here.locator("g.column.now").count() == 1
    assert "install_claim_set" in there.locator(".facts").inner_text()


def test_a_host_that_stops(page: Page) -> None:
    page.evaluate("name => { location.hash = '#f:' + name; }", CRASH)
    finding = page.locator(f"[id='f:{CRASH}']")
    finding.locator("svg").first.wait_for()
    assert "host stops" in finding.locator(".side svg").nth(1).inner_html()
    assert "the host stops: BUG_ON: claims > avail_pages" in finding.locator(".facts").inner_text()


def test_every_link_leads_to_something_that_is_then_visible(page: Page) -> None:
    links = set(page.locator("a[href^='#']").evaluate_all("all => all.map(a => a.getAttribute('href'))"))
    assert len(links) > 8
    for link in sorted(links):
        page.evaluate("link => { location.hash = link; }", link)
        page.wait_for_function("id => document.getElementById(id).getClientRects().length > 0", arg=link[1:])


def test_a_link_from_outside_opens_its_trace(page: Page, file: Path) -> None:
    visit(page, file, f"f:{FINDING}")
    page.locator(f"[id='f:{FINDING}'] svg").first.wait_for()


def test_the_smt_lib_text_is_the_one_of_the_hash(page: Page, small: Evidence) -> None:
    assert isinstance(small.obligations, Obligations)
    result = next(r for r in small.obligations.results if r.name == "claim-sets/node-backed/offline_page/parametric")
    page.evaluate("location.hash = '#p:node-backed'")
    page.locator(f"button[data-name='{result.name}']").click()
    text = page.locator(".smt-text pre").text_content() or ""
    assert hashlib.sha256(text.encode()).hexdigest() == result.sha256


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
def test_accessibility(look: dict[str, Any], chromium: Browser, file: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with chromium.new_page(**look) as opened:
        visit(opened, file, f"f:{FINDING}")
        opened.locator(f"[id='f:{FINDING}'] svg").first.wait_for()
        opened.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        opened.locator(f"[id='f:{CRASH}'] svg").first.wait_for()
        result = Axe().run(opened)
        assert result.violations_count == 0, result.generate_report()
        assert len(result.response["passes"]) > 20
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_in_print_there_is_nothing_to_operate_and_the_matrix_is_whole(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator(".filters").is_hidden()
    assert page.locator("#grid").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.matrix')).maxHeight") == "none"
    assert page.pdf().startswith(b"%PDF")


def thumbnail(png: bytes) -> Image:
    """Small and grey: letters blur, areas stay."""
    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("L").resize((48, 36))


def distance(one: Image, other: Image) -> float:
    """Mean difference of the pixels, of 255."""
    pairs = zip(one.tobytes(), other.tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height)


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("part", ["top", "trace"])
def test_it_looks_as_it_did(
    look: str, part: str, chromium: Browser, file: Path, request: pytest.FixtureRequest
) -> None:
    """Loosely: other fonts pass, a missing style sheet does not. --renew-screenshots writes what is compared with."""
    from PIL import Image

    with chromium.new_page(**{"light": LIGHT, "dark": DARK, "phone": PHONE}[look]) as opened:
        visit(opened, file, f"f:{FINDING}" if part == "trace" else "")
        if part == "trace":
            opened.locator(f"[id='f:{FINDING}'] svg").first.wait_for()
        seen = thumbnail(opened.screenshot())
    path = SCREENSHOTS / f"{look}-{part}.png"
    if request.config.getoption("--renew-screenshots"):
        path.parent.mkdir(parents=True, exist_ok=True)
        seen.save(path)
    assert distance(seen, Image.open(path)) < 8
    other = SCREENSHOTS / f"{'dark' if look != 'dark' else 'light'}-{part}.png"
    assert not other.exists() or distance(seen, Image.open(other)) > 30
