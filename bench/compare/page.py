"""The figures as a page: what was wanted and what bounds it, then a table for each workload, with the data in it."""
import html
import json

import report

STYLE = """:root{color-scheme:light dark;--line:#8884;--bar:#8fa6c8;--own:#d9722e;--soft:#8881}
body{font:15px/1.5 system-ui,sans-serif;max-width:64em;margin:2em auto;padding:0 1em}
h2{margin:1.8em 0 .2em;font-size:1.15em}p{margin:.2em 0 .6em}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:.2em .6em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{background:var(--soft);font-weight:600}td:first-child,th:first-child,td.text,th.text{text-align:left}
td.text{white-space:normal;min-width:16em}td.chart{width:30%;min-width:6em}.bar{background:var(--bar);height:.9em;display:block}
.viaduct{font-weight:600}.viaduct .bar{background:var(--own)}pre{white-space:pre-wrap;opacity:.8}"""


def page(result):
    groups = {}
    for line in result["rows"]:
        groups.setdefault((line["workload"], line["flows"], line["on_veth"]), []).append(line)
    tables = "".join(table(result, *key, lines) for key, lines in groups.items())
    facts = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    return f"""<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Viaduct side by side</title><style>{STYLE}</style><h1>Viaduct side by side</h1>
<p>{html.escape(facts)}; {result["rounds"]} rounds.</p>{bounds_table(result["bounds"])}
{tables}<h2>What the columns say</h2><pre>{html.escape(report.EXPLANATION)}</pre>
<script type="application/json" id="data">{json.dumps(result)}</script></html>
"""


def name_of(workload, flows, on_veth):
    return f"{workload}, {flows:,} flows{', on veth' if on_veth else ''}"


def bounds_table(bounds):
    if not bounds:
        return ""
    rows = "".join(
        f"""<tr><td>{name_of(one["workload"], one["flows"], one["on_veth"])}<td class="text">{one["other"]}
<td>{report.wanted(one)}<td>{one["reached"]:.2f}<td>{one["free_pipeline"]:.2f}<td class="text">{one["verdict"]}</tr>""" for one in bounds)
    return f"""<h2>Wanted and reached</h2><p>{html.escape(report.FREE)}</p>
<div class="wide"><table><tr><th>workload<th class="text">against<th>wanted<th>reached<th>free<th class="text"></tr>{rows}</table></div>"""


def table(result, workload, flows, on_veth, lines):
    most = max(line["ns"][0] for line in lines)
    rows = "".join(
        f"""<tr class="{'viaduct' if line['contender'].startswith('viaduct') else 'other'}"><td>{line['contender']}
<td>{line['ns'][0]:.1f}<td>{line['ns'][1]:.1f}–{line['ns'][2]:.1f}<td>{line['without_ports_ns']:.1f}<td>{line['mpps']:.2f}
<td>{line['ratio'][0]:.2f}<td class="chart"><span class="bar" style="width:{95 * line['ns'][0] / most:.1f}%"></span></tr>""" for line in lines)
    return f"""<h2>{name_of(workload, flows, on_veth)}</h2><p>{html.escape(result["workloads"][workload])}</p>
<div class="wide"><table><tr><th>contender<th>ns/packet<th>min–max<th>no ports<th>Mpps<th>× viaduct<th></tr>{rows}</table></div>"""
