// SPDX-License-Identifier: MIT
#include "train/report/style.h"

namespace ingot::train::report {

const char* const kStyle = R"css(
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#1b2430;--soft:#5f6b7a;--line:#e2e6ec;--grid:#eceff3;
--accent:#2563c9;--heat:37 99 201;--good:#16845b;--bad:#c83349;--badheat:200 51 73;
--s0:#2563c9;--s1:#d97218;--s2:#16845b;--s3:#c83349;--s4:#7b4fc4;--s5:#8a6a3a;--s6:#c04f9b;--s7:#0f8c9c;--s8:#7d8a1c;--s9:#64748b}
@media(prefers-color-scheme:dark){:root{--page:#0f1318;--card:#171c23;--ink:#e6ebf1;--soft:#96a2b1;--line:#28303a;--grid:#222932;
--accent:#74a7ff;--heat:96 153 255;--good:#4cc997;--bad:#ff7d8c;--badheat:255 112 130;
--s0:#74a7ff;--s1:#f4a558;--s2:#4cc997;--s3:#ff7d8c;--s4:#b79bff;--s5:#cfae7c;--s6:#f08fcb;--s7:#4ec9d8;--s8:#c1cc5a;--s9:#9aa9bc}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1240px;margin:0 auto;padding:28px 24px 48px}
header{margin-bottom:22px}
h1{font-size:28px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h1 small{font-size:17px;font-weight:400;color:var(--soft);letter-spacing:0}
h2{font-size:19px;margin:34px 0 12px;letter-spacing:-.005em}
h3{font-size:14px;margin:0 0 8px;font-weight:600}
h3 small{font-weight:400;color:var(--soft);margin-left:6px}
p{margin:0 0 8px}
.lead{font-size:17px}
.soft,.legend,.facts dt{color:var(--soft)}
.pill{display:inline-block;font-size:12px;font-weight:600;border-radius:999px;padding:1px 10px;vertical-align:5px;margin-left:8px;border:1px solid currentColor}
.pill.done{color:var(--good)}.pill.stopped{color:var(--s1)}
.tiles{display:grid;grid-template-columns:repeat(var(--n),1fr);gap:12px;margin:18px 0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:12px}
.tile{padding:12px 14px}
.tile b{display:block;font-size:22px;line-height:1.3;font-weight:650;letter-spacing:-.015em;white-space:nowrap}
.tile span{font-size:13px;color:var(--soft)}
.tile.main b{color:var(--accent)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:14px;align-items:start}
.cards.three{grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr))}
@media(min-width:1080px){.three svg.chart text{font-size:14px}.three svg.square text{font-size:12px}}
.card{padding:16px 18px;min-width:0}
.card.wide{grid-column:1/-1}
.scroll{overflow-x:auto}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0;font-size:14px}
.facts dd{margin:0;overflow-wrap:anywhere}
svg.chart,svg.histogram,.graph svg{display:block;width:100%;height:auto}
svg.chart{max-width:640px;margin:0 auto}
svg.square{max-width:430px;margin:0 auto}
svg text{font-size:11px;fill:var(--soft)}
.grid{stroke:var(--grid);fill:none;vector-effect:non-scaling-stroke}
.diagonal{stroke:var(--soft);stroke-dasharray:4 4;fill:none;opacity:.7;vector-effect:non-scaling-stroke}
.yt{text-anchor:end;dominant-baseline:central}.xt,.xl,.yl{text-anchor:middle}.yl{dominant-baseline:central}
svg .note{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}.end{text-anchor:end}
.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}.s3{--c:var(--s3)}.s4{--c:var(--s4)}
.s5{--c:var(--s5)}.s6{--c:var(--s6)}.s7{--c:var(--s7)}.s8{--c:var(--s8)}.s9{--c:var(--s9)}
.line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
.line.faint{stroke-width:1;opacity:.38}
.dots circle{fill:var(--c)}.points circle{fill:var(--c);opacity:.45}
.mark{fill:none;stroke:var(--ink);stroke-width:1.5}
.legend{font-size:13px;display:flex;flex-wrap:wrap;gap:2px 14px;margin:0 0 6px}
.legend i{display:inline-block;width:14px;height:3px;border-radius:2px;background:var(--c);margin-right:6px;vertical-align:3px}
.legend .faint i{opacity:.45}
table{border-collapse:collapse;width:100%;font-size:14px}
th{font-weight:600;color:var(--soft);font-size:12.5px;text-align:left;padding:4px 10px 6px;border-bottom:1px solid var(--line);white-space:nowrap}
td{padding:4px 10px;border-bottom:1px solid var(--grid)}
tr:last-child td{border-bottom:0}
td.n,th.n{text-align:right;white-space:nowrap}
td.total{font-weight:650}
.names td:first-child{min-width:90px}.names td,.names th{padding-left:7px;padding-right:7px}
.nowrap{white-space:nowrap}
.bar{position:relative;min-width:66px}
.bar:before{content:"";position:absolute;left:6px;top:5px;bottom:5px;width:calc((100% - 12px)*var(--v));border-radius:4px;background:rgb(var(--heat)/.18)}
.bar span{position:relative}
.matrix{border-collapse:separate;border-spacing:2px;table-layout:fixed;font-size:13px;margin-bottom:10px}
.matrix td{padding:0;border:0;text-align:center;border-radius:4px;background:rgb(var(--k,var(--heat))/var(--v,0));height:36px}
.matrix td.zero{color:transparent}.matrix td.dark{color:var(--card)}
.matrix th{border:0;padding:2px 3px;overflow:hidden;text-overflow:ellipsis}
.matrix thead th:first-child{width:var(--head)}
.matrix th.n{text-align:right}
.matrix thead th{text-align:center}
.matrix.small td{height:auto;aspect-ratio:1;font-size:0;border-radius:2px}
.matrix.small th{font-size:10px;font-weight:400}
.matrix.small{border-spacing:1px}
td.shape{white-space:nowrap}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:12px}
.sample{margin:0;font-size:13px;line-height:1.35;min-width:0}
.sample img{width:100%;height:auto;aspect-ratio:1;object-fit:contain;border-radius:8px;background:var(--grid);display:block;margin-bottom:5px}
.sample img.pixels{image-rendering:pixelated}
.sample figcaption{overflow-wrap:anywhere}
.wrong{color:var(--bad);font-weight:600}.right{color:var(--good);font-weight:600}
.histogram{height:56px}.histogram .bars{fill:var(--c);opacity:.75}.histogram .zero{stroke:var(--soft);stroke-dasharray:3 3;vector-effect:non-scaling-stroke;fill:none}
.tensors{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,250px),1fr));gap:14px 22px}
.tensor{min-width:0}
.tensor h3{overflow-wrap:anywhere}
.ends{display:flex;justify-content:space-between;font-size:12px;color:var(--soft);margin:2px 0 8px}
.phases{display:flex;height:26px;border-radius:8px;overflow:hidden;gap:2px;margin:4px 0 12px}
.phases i{background:var(--c);flex:var(--v) 1 0;min-width:2px}
.key{display:inline-block;width:10px;height:10px;border-radius:3px;background:var(--c);margin-right:8px}
.graph,.tall{max-height:660px;overflow:auto}
.tall .deep{padding-left:calc(10px + 14px*var(--d))}
.tall thead th{position:sticky;top:0;background:var(--card)}
.graph svg{max-width:380px;margin:0 auto}
.node rect{fill:rgb(var(--heat)/.06);stroke:var(--c,var(--s9));stroke-width:1.4}
svg .node text{fill:var(--ink);font-size:12px}svg .node .shape{fill:var(--soft);font-size:11px;text-anchor:end}
.edge{fill:none;stroke:var(--soft);stroke-width:1.4}.edge.skip{stroke:var(--s1)}
.arrow{fill:var(--soft)}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:13.5px/1.55 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
code{font:13px ui-monospace,"SF Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--accent);font-size:14px;margin-top:10px}
footer{margin-top:36px;color:var(--soft);font-size:13px}
@media(max-width:900px){.tiles{grid-template-columns:repeat(3,1fr)}}
@media(max-width:600px){main{padding:18px 12px 36px}.card{padding:13px 12px}h1{font-size:23px}h2{margin-top:26px}.lead{font-size:16px}
.tiles{grid-template-columns:repeat(2,1fr);gap:8px}.tile{padding:9px 11px}.matrix{font-size:11.5px;border-spacing:1px}.matrix td{height:27px}svg.chart text{font-size:15px}svg.square text{font-size:12.5px}
td,th{padding-left:6px;padding-right:6px}.tall table{font-size:12.5px}.tall td,.tall th{padding-left:3px;padding-right:3px}.tall .deep{padding-left:calc(3px + 7px*var(--d))}
.tall .key{margin-right:5px}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:6px}
.samples{grid-template-columns:repeat(auto-fill,minmax(86px,1fr));gap:10px}}
@media print{body{background:#fff}.card,.tile{break-inside:avoid}.graph,.tall{max-height:none}}
)css";

} // namespace ingot::train::report
