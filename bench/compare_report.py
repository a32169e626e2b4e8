"""Tables (Markdown) and a chart (SVG) from what bench/compare measured."""

import statistics

METRICS = (
    ("wall", "Wall seconds", lambda run: run.wall_s, "{:.2f}"),
    ("cpu", "Processor seconds", lambda run: run.cpu_s, "{:.2f}"),
    ("peak", "Peak memory, MiB", lambda run: run.peak_bytes / 2**20, "{:.0f}"),
    ("added", "Bytes added to the repository, MB", lambda run: run.added_bytes / 1e6, "{:.3f}"),
)

COLOURS = {"cairn": "#1b6ca8", "before": "#9bb8cc", "restic": "#c9a227", "borg": "#5a9367"}


def medians(runs, value):
    """(work, peer) -> median of the rounds; nothing for one that failed."""
    collected = {}
    for run in runs:
        if run.ok:
            collected.setdefault((run.work, run.peer), []).append(value(run))
    return {key: statistics.median(values) for key, values in collected.items()}


def works_of(runs):
    return list(dict.fromkeys(run.work for run in runs))


def tables(runs, peers, reference):
    """One table a metric, with the ratio of the first peer to the reference."""
    first = peers[0]
    lines = []
    for _, title, value, form in METRICS:
        table = medians(runs, value)
        rows = [work for work in works_of(runs) if any(table.get((work, p)) for p in peers)]
        if not rows:
            continue
        ratio = [f"{first} / {reference}"] if reference in peers and reference != first else []
        lines.append("| " + " | ".join([title, *peers, *ratio]) + " |")
        lines.append("|---" * (1 + len(peers) + len(ratio)) + "|")
        for work in rows:
            cells = [work]
            for peer in peers:
                found = table.get((work, peer))
                cells.append("failed" if found is None else form.format(found))
            if ratio:
                ours, theirs = table.get((work, first)), table.get((work, reference))
                cells.append(f"{ours / theirs:.2f}" if ours is not None and theirs else "")
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def chart(runs, peers, reference):
    """Bars of wall time, the reference's being 1. Bars of more than 2 are cut and say so."""
    table = medians(runs, lambda run: run.wall_s)
    works = [work for work in works_of(runs) if table.get((work, reference))]
    bar, gap, left, unit, most = 14, 16, 230, 260, 2.0
    height = 60 + sum(len(peers) * bar + gap for _ in works)
    width = left + int(unit * most) + 110
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="10" y="20" font-size="14">Wall time against {escape(reference)} (shorter is '
        "better)</text>",
    ]
    y = 40
    for work in works:
        middle = y + len(peers) * bar / 2 + 4
        out.append(f'<text x="{left - 10}" y="{middle}" text-anchor="end">{escape(work)}</text>')
        for peer in peers:
            found = table.get((work, peer))
            if found is not None:
                ratio = found / table[(work, reference)]
                length = max(1, unit * min(ratio, most))
                cut = " (cut)" if ratio > most else ""
                out.append(
                    f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" '
                    f'fill="{COLOURS.get(peer, "#888888")}"/>'
                    f'<text x="{left + length + 5:.1f}" y="{y + bar - 4}" font-size="10">'
                    f"{escape(peer)} {found:.2f} s, {ratio:.2f}{cut}</text>"
                )
            y += bar
        y += gap
    out.append(
        f'<line x1="{left + unit}" y1="32" x2="{left + unit}" y2="{height - 20}" '
        'stroke="#999999" stroke-dasharray="3,3"/>'
    )
    out.append("</svg>")
    return "\n".join(out) + "\n"
