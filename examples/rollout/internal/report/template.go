package report

// page is written so that it is XML as well, which is how a test reads it.
const page = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>Deployments under load</title><style>
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --line: #d0d7de; --muted: #59636e; --good: #17692c; --bad: #b00020; --shade: #f6f8fa }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #3d444d; --muted: #9198a1; --good: #5fd37b; --bad: #ff8f8f; --shade: #161b22 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto; max-width: 58rem; padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; margin: .5rem 0 } h2 { font-size: 1.3rem; margin: 2.5rem 0 .3rem } p { margin: .3rem 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; overflow-wrap: normal; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top } .left { text-align: left }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .7rem; font-size: .85rem; white-space: pre-wrap }
svg { display: block; width: 100%; height: auto; margin: 1rem 0 } .narrow { display: none }
.steps { columns: 17rem; padding-left: 2.2rem; font-size: .9rem } .steps li { break-inside: avoid } .muted { color: var(--muted) } .good { color: var(--good) } .bad { color: var(--bad); font-weight: bold }
a { color: inherit } summary { cursor: pointer; padding: .3rem 0 } details table, details ul { font-size: .9rem }
@media (max-width: 719px) { .wide { display: none } .narrow { display: block } }
</style></head><body>
<h1>Deployments under load</h1>
{{- if not .}}
<p>There was none.</p>
{{- else}}
<div class="scroll"><table><thead><tr><th class="left">strategy</th><th>requests</th><th>failed</th><th class="left wide">how</th></tr></thead><tbody>
{{- range $i, $r := .}}
<tr><td class="left"><a href="#run-{{$i}}">{{.Title}}</a></td><td>{{.Requests}}</td><td class="{{if .Lost}}bad{{else}}good{{end}}">{{.Failed}}</td><td class="left wide">{{.How}}</td></tr>
{{- end}}
</tbody></table></div>
{{- end}}
{{- range $i, $r := .}}
<section>
<h2 id="run-{{$i}}">{{.Title}}: <span class="{{if .Lost}}bad{{else}}good{{end}}">{{.Outcome}}</span></h2>
<p class="muted">{{.How}}</p>
{{- if .Lines}}
<pre>{{.Lines}}</pre>
{{- end}}
{{- range .Pictures}}
<div class="wide">{{.Wide}}</div><div class="narrow">{{.Narrow}}</div>
{{- end}}
{{- if .Steps}}
<ol class="steps">
{{- range .Steps}}
<li><b>{{.At}}</b> {{.Text}}</li>
{{- end}}
</ol>
{{- end}}
<details><summary>The same in numbers</summary>
{{- if .Seconds}}
<div class="scroll"><table><thead><tr><th>from</th>{{range .Versions}}<th>{{.}}</th>{{end}}<th>failed</th><th>p99</th></tr></thead><tbody>
{{- range .Seconds}}
<tr><td>{{.At}}</td>{{range .Answers}}<td>{{.}}</td>{{end}}<td>{{.Failed}}</td><td>{{.P99}}</td></tr>
{{- end}}
</tbody></table></div>
{{- end}}
{{- if .Processes}}
<ul>
{{- range .Processes}}
<li>{{.}}</li>
{{- end}}
</ul>
{{- end}}
</details>
</section>
{{- end}}
</body></html>
`
