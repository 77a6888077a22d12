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
from model.properties.conditions import CONDITIONS
from proofs.evidence.structure import Evidence, EvidenceCell, Matrix, Obligations
from tests.evidence.pages import CRASH
from tests.sampled import sampled

if TYPE_CHECKING:
    from PIL.Image import Image
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")
FINDING = "claim-sets-no-recall/node-backed"
IN_VIEW = """id => {
    const box = document.getElementById(id).getBoundingClientRect();
    return box.top < innerHeight && box.bottom > 0;
}"""
SCREENSHOTS = ROOT / "tests/data/screenshots"


@pytest.fixture(scope="module")
def file(small_page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(small_page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def visit(page: Page, file: Path, fragment: str = "") -> list[str]:
    """Load the page again; its complaints are collected."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith("data:") else None)
    page.goto("about:blank")
    page.goto(f"{file.as_uri()}{f'#{fragment}' if fragment else ''}")
    return complaints


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """The page, light; in the end there were no complaints and no other requests."""
    opened = chromium.new_page(**LIGHT)
    complaints = visit(opened, file)
    yield opened
    assert [text for text in complaints if not text.startswith((file.as_uri(), "about:"))] == []
    opened.close()


def shown(page: Page) -> str:
    return page.locator("#shown").inner_text()


def said(cells: list[EvidenceCell]) -> str:
    return f"{len(cells)} verdicts in {len({(cell.property, *cell.conditions) for cell in cells})} rows"


def test_filters_select_matrix_cells(page: Page, small: Evidence) -> None:
    assert isinstance(small.matrix, Matrix)
    cells = small.matrix.cells
    assert shown(page) == said([cell for cell in cells if not cell.conditions]) == "4 verdicts in 2 rows"
    page.locator("input[name=conditions]").check()
    assert shown(page) == said(cells)
    page.locator("input[name=older]").uncheck()
    assert page.locator("#grid thead th:visible").all_inner_texts() == ["property", "claim-sets"]
    page.locator("input[name=older]").check()
    assert page.locator("#grid thead th:visible").all_inner_texts() == [
        "property",
        "claim-sets",
        "claim-sets-no-recall",
    ]
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
    page.locator("select[name=property]").select_option("dead-hold-nothing")
    assert shown(page) == "2 verdicts in 1 rows"


def test_matrix_is_usable_by_keyboard(page: Page) -> None:
    page.locator("input[name=conditions]").check()
    page.locator(".matrix").focus()
    page.keyboard.press("Tab")
    meaning = page.locator("#meaning")
    assert meaning.inner_text() == (
        "No node has more claimed than free pages: proved for claim-sets, with any number of nodes and domains."
    )
    page.keyboard.press("ArrowDown")  # over the empty place
    dead = "A dying or destroyed domain holds no claims once domain_kill has released them, and can get none"
    held = f"; it holds provided {CONDITIONS['legacy-check-in-lock'].sentence}"
    assert meaning.inner_text() == f"{dead}: refuted for claim-sets by a trace of 4 events{held}."
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#f:claim-sets-no-recall/dead-hold-nothing"
    page.locator("[id='f:claim-sets-no-recall/dead-hold-nothing'] svg").first.wait_for()  # drawn when it is opened


def test_timeline_steps_through_events(page: Page) -> None:
    page.locator(f"#grid a[href='#f:{FINDING}']").click()
    finding = page.locator(f"[id='f:{FINDING}']")
    here, there = finding.locator(".side").nth(0), finding.locator(".side").nth(1)
    finding.locator("svg").first.wait_for()
    assert finding.locator("output").inner_text() == "event 3 of 3"
    assert "✗ violated" in here.locator("svg").nth(1).inner_html()
    assert "✗ violated" not in there.locator("svg").nth(1).inner_html()
    assert "node-backed: node 0: node_outstanding_claims 1 > node_avail_pages 0" in here.locator(".facts").inner_text()
    assert "The violated inequality" not in there.locator(".facts").inner_text()
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


@pytest.mark.long
def test_page_shows_the_crash_of_the_host(page: Page) -> None:
    page.evaluate("name => { location.hash = '#f:' + name; }", CRASH)
    finding = page.locator(f"[id='f:{CRASH}']")
    finding.locator("svg").first.wait_for()
    assert "host stops" in finding.locator(".side svg").nth(1).inner_html()
    assert "the host stops: BUG_ON: claims > avail_pages" in finding.locator(".facts").inner_text()


@pytest.mark.long
def test_every_link_makes_its_target_visible(page: Page) -> None:
    links = set(page.locator("a[href^='#']").evaluate_all("all => all.map(a => a.getAttribute('href'))"))
    assert len(links) > 8
    for link in sorted(links):
        page.evaluate("link => { location.hash = link; }", link)
        page.wait_for_function("id => document.getElementById(id).getClientRects().length > 0", arg=link[1:])


@pytest.mark.long
def test_external_link_opens_its_trace(page: Page, file: Path) -> None:
    visit(page, file, f"f:{FINDING}")
    page.locator(f"[id='f:{FINDING}'] svg").first.wait_for()


def test_the_first_screen_says_what_holds_and_what_fails(page: Page) -> None:
    design = page.locator("[id='d:claim-sets']")
    assert (
        "1 of 2 promises hold for any host, and 1 fails: 1 unless legacy-check-in-lock (4 events)."
        in design.inner_text()
    )
    assert page.locator(".designs li").count() == 1  # the other generation of this run is an older design
    box = page.locator("header").bounding_box()
    assert box is not None
    assert box["height"] < 100
    design.get_by_role("link", name="4 events").click()
    finding = page.locator("[id='f:claim-sets/dead-hold-nothing']")
    finding.locator("svg").first.wait_for()


def test_findings_are_in_the_order_of_severity(page: Page) -> None:
    titles = page.locator("details.severity > summary h3").all_inner_texts()
    assert [title.rpartition(" ")[0] for title in titles] == [
        "A live design breaks a promise",
        "An older design stops the host",
        "An older design breaks a promise",
    ]


@pytest.mark.parametrize(
    "look", [pytest.param(LIGHT, id="light", marks=pytest.mark.long), pytest.param(PHONE, id="phone")]
)
def test_a_finding_is_copied_as_mail_and_as_link(look: dict[str, Any], chromium: Browser, file: Path) -> None:
    name = "claim-sets/dead-hold-nothing"
    with chromium.new_page(**look) as opened:
        opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
        complaints = visit(opened, file, f"f:{name}")
        finding = opened.locator(f"[id='f:{name}']")
        button = finding.get_by_role("button", name="Copy as mail")
        button.focus()
        opened.keyboard.press("Enter")
        opened.wait_for_function("document.querySelector('.copying [role=status]:not(:empty)')")
        mail = opened.evaluate("navigator.clipboard.readText()")
        assert mail.startswith("Subject: claim-sets: dead-hold-nothing fails\n")
        assert "The shortest trace, 4 events from boot:" in mail
        assert "claimcheck explain tests/data/findings/claim-sets/dead-hold-nothing.jsonl" in mail
        assert max(len(line) for line in mail.splitlines() if "tests/data" not in line) <= 72
        assert button.evaluate("button => button === document.activeElement")
        finding.get_by_role("button", name="Copy link").click()
        opened.wait_for_function("() => navigator.clipboard.readText().then(text => text.startsWith('file:'))")
        assert opened.evaluate("navigator.clipboard.readText()") == f"{file.as_uri()}#f:{name}"
        where = finding.locator(".where").inner_text()
        assert "generation" in where
        assert "2026-04" in where
        assert [text for text in complaints if not text.startswith((file.as_uri(), "about:"))] == []


@pytest.mark.long
def test_nothing_covers_the_matrix_on_a_phone(chromium: Browser, file: Path) -> None:
    with chromium.new_page(**PHONE) as opened:
        visit(opened, file)
        assert opened.locator("#grid thead th:visible").all_inner_texts() == ["property", "claim-sets"]
        opened.locator("input[name=older]").check()
        sticky = "all => all.filter(e => ['sticky', 'fixed'].includes(getComputedStyle(e).position)).length"
        assert opened.locator("#matrix *").evaluate_all(sticky) == 0
        for cell in opened.locator("#grid td a:visible, #grid td .cell:visible").all():
            cell.scroll_into_view_if_needed()
            at = "cell => { const b = cell.getBoundingClientRect(); return cell.contains(document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2)); }"
            assert cell.evaluate(at)


def test_the_proofs_begin_with_what_is_proved(page: Page) -> None:
    first = page.locator("#proofs > p").first.inner_text()
    assert "obligations are proved" in first
    assert "second" not in first
    assert page.locator("#proofs figure:visible").count() == 0


def test_smt_lib_text_matches_its_hash(page: Page, small: Evidence) -> None:
    assert isinstance(small.obligations, Obligations)
    result = next(r for r in small.obligations.results if r.name == "claim-sets/node-backed/offline_page/parametric")
    page.evaluate("location.hash = '#p:node-backed'")
    page.locator(f"button[data-name='{result.name}']").click()
    page.wait_for_function("document.querySelector('.smt-text pre:not(:empty)')")
    text = page.locator(".smt-text pre").text_content() or ""
    assert hashlib.sha256(text.encode()).hexdigest() == result.sha256


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(LIGHT, id="light", marks=pytest.mark.long),  # its colours are those on a phone
        pytest.param(DARK, id="dark", marks=pytest.mark.long),
        pytest.param(PHONE, id="phone"),
    ],
)
def test_page_passes_the_accessibility_checker(look: dict[str, Any], chromium: Browser, file: Path) -> None:
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


@pytest.mark.long
def test_print_has_no_controls_and_the_whole_matrix(page: Page) -> None:
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


@pytest.mark.parametrize(
    ("look", "part"),
    sampled(
        [(look, part) for look in ("light", "dark", "phone") for part in ("top", "trace")],
        keep={("dark", "trace"), ("phone", "top")},
    ),
)
def test_page_matches_the_stored_screenshots(
    look: str, part: str, chromium: Browser, file: Path, request: pytest.FixtureRequest
) -> None:
    """Loosely: other fonts pass, a missing style sheet does not. --renew-screenshots writes what is compared with."""
    from PIL import Image

    with chromium.new_page(**{"light": LIGHT, "dark": DARK, "phone": PHONE}[look]) as opened:
        visit(opened, file, f"f:{FINDING}" if part == "trace" else "")
        if part == "trace":
            opened.locator(f"[id='f:{FINDING}'] svg").first.wait_for()
            opened.wait_for_function(IN_VIEW, arg=f"f:{FINDING}")
        seen = thumbnail(opened.screenshot())
    path = SCREENSHOTS / f"{look}-{part}.png"
    if request.config.getoption("--renew-screenshots"):
        path.parent.mkdir(parents=True, exist_ok=True)
        seen.save(path)
    assert distance(seen, Image.open(path)) < 8
    other = SCREENSHOTS / f"{'dark' if look != 'dark' else 'light'}-{part}.png"
    assert not other.exists() or distance(seen, Image.open(other)) > 30
