/** A drawn person for where there is no camera: 300 by 400, changed by the `data-scene` around it. */
const person = `
    <path class="wool" fill="url(#wool)" d="M22 410c4-66 52-92 88-102h80c36 10 84 36 88 102z"/>
    <path class="skin" fill="#d99a72" d="M118 250h64v48c0 22-14 36-32 36s-32-14-32-36z"/>
    <path class="hair" fill="#2d2140" d="M62 188c-8-78 32-128 90-128 60 0 96 50 86 130l-12 26H74z"/>
    <g class="head">
      <ellipse cx="73" cy="206" rx="12" ry="21" class="skin" fill="#dfa27b"/>
      <ellipse cx="227" cy="206" rx="12" ry="21" class="skin" fill="#dfa27b"/>
      <path class="skin" fill="#f2c39d" d="M150 88c52 0 78 34 78 90 0 72-34 118-78 118s-78-46-78-118c0-56 26-90 78-90z"/>
      <path fill="#e7a98a" opacity=".45" d="M96 226a16 11 0 1 0 32 0a16 11 0 1 0-32 0m76 0a16 11 0 1 0 32 0a16 11 0 1 0-32 0"/>
      <path class="hair" fill="#38294f" d="M70 184c-2-62 28-104 82-104 56 0 82 40 78 104-10-30-22-44-34-54-30 20-74 22-104 8-10 12-18 26-22 46z"/>
      <g fill="none" stroke="#38294f" stroke-width="6" stroke-linecap="round">
        <path d="M98 176q16-10 31-2"/><path d="M171 174q16-8 31 2"/>
      </g>
      <g class="eyes" fill="#2a2036">
        <ellipse cx="115" cy="200" rx="9" ry="11"/><ellipse cx="185" cy="200" rx="9" ry="11"/>
        <g fill="#fff"><circle cx="118" cy="196" r="3"/><circle cx="188" cy="196" r="3"/></g>
      </g>
      <path fill="none" stroke="#c98260" stroke-width="5" stroke-linecap="round" d="M150 204q-9 24 3 28"/>
      <path class="calm" fill="none" stroke="#a5475a" stroke-width="6" stroke-linecap="round" d="M128 258q22 8 44 0"/>
      <path class="grin" fill="#fff" stroke="#a5475a" stroke-width="6" stroke-linejoin="round" d="M118 250q32 8 64 0-6 28-32 28t-32-28z"/>
      <g class="mask">
        <path fill="none" stroke="#b9d5e8" stroke-width="5" d="M74 200q16 14 22 24m130-24q-16 14-22 24"/>
        <path fill="#d8ebf7" d="M90 222q60-22 120 0c4 46-18 76-60 78-42-2-64-32-60-78z"/>
        <path fill="none" stroke="#a9cbe2" stroke-width="4" d="M96 244q54-14 108 0m-104 22q50-10 100 0"/>
      </g>
    </g>`;

export const drawnFace = `
<svg class="drawn" viewBox="0 0 300 400" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
  <defs>
    <linearGradient id="wall" x1="0" y1="0" x2="1" y2="1">
      <stop offset="0" stop-color="#cfdcff"/><stop offset="1" stop-color="#f3e4f4"/>
    </linearGradient>
    <linearGradient id="wool" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="#5a63e0"/><stop offset="1" stop-color="#3d3fae"/>
    </linearGradient>
  </defs>
  <rect width="300" height="400" fill="url(#wall)"/>
  <g class="live">${person}</g>
  <g class="photo">
    <g transform="rotate(-5 150 200)">
      <rect x="52" y="60" width="196" height="272" rx="10" fill="#fff" stroke="#0002" stroke-width="3"/>
      <rect x="66" y="74" width="168" height="214" fill="#b8c4de"/>
      <svg x="66" y="74" width="168" height="214" viewBox="30 44 240 306">${person}</svg>
      <path fill="#f2c39d" stroke="#dfa27b" stroke-width="3" d="M206 420c-10-44 6-76 22-104 12-20 34-6 26 16l-4 14c20 6 34 24 36 74z"/>
    </g>
  </g>
</svg>`;
