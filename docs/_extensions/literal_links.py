"""Link inline code that names a public object to its page: `bivariate_pid` in a sentence leads to the reference.

Pages stay plain Markdown, readable without a build, and no page can forget a link. A literal is linked when it is the
name of one documented object, with or without its package (`mutual_information`, `info.mutual_information`,
`pidkit.info.mutual_information`), or of one documented method (`InformationPlane.step`); a call's empty or elided
arguments are passed over (`estimate_mi(...)`). Everything else stays as it is.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

NAME = re.compile(r"^([A-Za-z_][\w.]*)(\((\.\.\.)?\))?$")
INSIDE = (nodes.reference, nodes.title, nodes.term)


def names_of_objects(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Return the page and anchor of every documented object, by each name that means it and nothing else."""
    found: dict[str, set[tuple[str, str]]] = {}
    for name, entry in app.env.domains.python_domain.objects.items():
        parts = name.split(".")
        shortest = 2 if entry.objtype in ("method", "property", "attribute") else 1
        for n in range(shortest, len(parts) + 1):
            found.setdefault(".".join(parts[-n:]), set()).add((entry.docname, entry.node_id))
    return {name: places.pop() for name, places in found.items() if len(places) == 1}


class LinkLiterals(SphinxPostTransform):
    """Turn each literal that names a documented object into a link, after Sphinx has resolved the written ones."""

    default_priority = 20

    def run(self, **kwargs: object) -> None:
        """Link the literals of one page."""
        names = names_of_objects(self.app)
        for literal in list(self.document.findall(nodes.literal)):
            named = NAME.match(literal.astext())
            place = names.get(named[1]) if named else None
            if place is None or place[0] == self.env.docname or _is_inside(literal):
                continue
            docname, anchor = place
            link = make_refnode(self.app.builder, self.env.docname, docname, anchor, literal.deepcopy())
            literal.replace_self(link)


def _is_inside(node: nodes.Node) -> bool:
    """Tell whether a node is part of a link, a heading or a term already."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, INSIDE):
            return True
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_post_transform(LinkLiterals)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
