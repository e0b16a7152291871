/** The look of the stand-in: bright in any theme, for the real one lights the face by it. */
export const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host {
  display: block;
  block-size: 100%;
  min-block-size: 36rem;
  color: #201d2b;
  background: #fff;
  font-size: 1rem;
  line-height: 1.4;
  color-scheme: light;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.stage {
  block-size: 100%;
  min-block-size: inherit;
  display: grid;
  grid-template-rows: auto 1fr auto;
  justify-items: center;
  gap: .75rem;
  padding: 1.5rem 1rem 1rem;
  background: radial-gradient(circle at 50% 38%, #fff 40%, #eef0fb);
}
.guidance { margin: 0; font-size: 1.35rem; font-weight: 600; letter-spacing: -.01em; min-block-size: 1.9rem; text-align: center; }
.view { position: relative; align-self: center; aspect-ratio: 3 / 4; inline-size: min(72%, 15.5rem, 26dvh); transition: inline-size .5s; }
.stage:has(.busy:not([hidden])) .view { inline-size: min(84%, 19rem, 40dvh); }
.oval { position: absolute; inset: 5px; overflow: hidden; border-radius: 50%; background: #e3e8f8; }
.drawn, video { inline-size: 100%; block-size: 100%; display: block; object-fit: cover; }
.drawn:has(~ video:not([hidden])) { display: none; }
video { transform: scaleX(-1); }
.ring { position: absolute; inset: -7px; overflow: visible; fill: none; stroke: #dcdff0; stroke-width: 7; }
.progress {
  stroke: #12805c;
  stroke-linecap: round;
  stroke-dasharray: 100 100;
  stroke-dashoffset: 100;
  transition: stroke-dashoffset 1.2s ease-in-out;
}
.grin, .mask, .photo { display: none; }
[data-scene~=smile] .grin, [data-scene~=mask] .mask, [data-scene~=photo] .photo { display: block; }
[data-scene~=smile] .calm, [data-scene~=photo] .live { display: none; }
[data-scene~=other] .hair { fill: #b3602c; }
[data-scene~=other] .skin { fill: #f6d3b8; }
[data-scene~=other] .wool { fill: #2f8f83; }
.live { transition: transform 1s ease-in-out, opacity .6s; }
[data-scene~=nobody] .live { transform: translateX(-300px); opacity: 0; }
.oval { transition: filter .5s; }
[data-scene~=dark] .oval { filter: brightness(.32) blur(1.5px); }
.eyes { transform-box: fill-box; transform-origin: center; animation: blink 4s infinite; }
.head { animation: sway 5s ease-in-out infinite; transform-origin: 150px 320px; }
.photo { animation: shake 2.2s ease-in-out infinite; transform-origin: 150px 400px; }
@keyframes blink { 0%, 94%, 100% { transform: scaleY(1); } 97% { transform: scaleY(.1); } }
@keyframes sway { 50% { transform: rotate(1.6deg) translateY(2px); } }
@keyframes shake { 50% { transform: rotate(2deg); } }
.tray, .busy { inline-size: min(100%, 26rem); }
.tray {
  padding: .75rem;
  border-radius: 1rem;
  background: #fff;
  border: 1px solid #dfe1f0;
  box-shadow: 0 8px 28px #2a24681a;
  font-size: .85rem;
}
.tray p { margin: 0 0 .6rem; color: #5c5870; }
.tray b { color: #201d2b; font-weight: 600; }
.choices { display: grid; grid-template-columns: 1fr 1fr; gap: .4rem; }
button, select {
  font: inherit;
  font-size: .85rem;
  color: inherit;
  min-block-size: 2.3rem;
  padding: .3rem .6rem;
  border: 1px solid #cfd1e4;
  border-radius: .65rem;
  background: #f7f7fd;
}
button { font-weight: 550; cursor: pointer; }
button:hover { background: #ecedfa; }
button:focus-visible, select:focus-visible { outline: 3px solid #4f46e5; outline-offset: 2px; }
.choices button:first-child { background: #4f46e5; border-color: #4f46e5; color: #fff; }
.choices button:first-child:hover { background: #4138cf; }
.other { display: grid; grid-template-columns: 1fr auto; gap: .25rem .4rem; margin-block-start: .6rem; }
.other label { grid-column: 1 / -1; color: #5c5870; }
.other select { min-inline-size: 0; }
.busy { display: grid; justify-items: center; padding-block: 1rem; }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
`);
