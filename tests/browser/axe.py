"""axe-core over a page: what keeps people with a screen reader, a keyboard or weak eyes from using it."""

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa")
OPTIONS = {"runOnly": {"type": "tag", "values": [*WCAG, "best-practice"]}, "resultTypes": ["violations"]}
# rules on whole documents: a page of a test that shows one part, or a notebook inside JupyterLab, has no say in them
OF_WHOLE_PAGES = ("landmark-one-main", "page-has-heading-one", "region", "bypass")
AXE = Axe()


def violations(page, include: str | None = None, exclude: Sequence[str] = ()) -> list[str]:
    """What axe finds in a page: WCAG 2.0, 2.1 and 2.2, levels A and AA, and axe's own best practices.

    page: Playwright's; include: a selector, to judge only what is inside (rules on whole pages are then left out);
    exclude: selectors of what is not judged
    Returns one line per finding and element: rule (impact) selector: summary.
    """
    rules = {rule: {"enabled": False} for rule in OF_WHOLE_PAGES} if include else {}
    context = {"exclude": [[selector] for selector in exclude]} | ({"include": [[include]]} if include else {})
    found = AXE.run(page, context=context, options=OPTIONS | {"rules": rules}).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}) {' '.join(map(str, node['target']))}: "
        + " ".join(node["failureSummary"].split())
        for rule in found
        for node in rule["nodes"]
    ]
