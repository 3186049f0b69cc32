export interface PresenterView {
  /** Size of the picture in pixels; the drawing is made for 16:9 and keeps its proportions in any other. */
  readonly width: number
  readonly height: number
  /** Seconds since the start: moves the head and closes the eyes now and then. Both repeat every four seconds. */
  readonly time: number
  /** The opening of the lips, 0 (closed) to 1 (wide open). @default 0 */
  readonly mouthOpen?: number
}

const PERIOD_SECONDS = 4
const BLINKS_AT = [0.9, 2.7]
const BLINK_SECONDS = 0.24

function n(value: number) {
  return Number(value.toFixed(2)).toString()
}

/** Draws a presenter in front of a soft background as an SVG document. The same view always gives the same drawing. */
export function drawPresenter({ width, height, time, mouthOpen = 0 }: PresenterView): string {
  const turn = (2 * Math.PI * time) / PERIOD_SECONDS
  const x = 4.5 * Math.sin(turn) + 1.2 * Math.sin(2 * turn + 1)
  const y = 1.6 * Math.sin(2 * turn) + 0.8 * Math.cos(turn)
  const tilt = 1.5 * Math.sin(turn + 0.7)
  const open = Math.min(1, Math.max(0, mouthOpen))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 640 360" preserveAspectRatio="xMidYMid slice">
${DEFINITIONS}
${BACKGROUND}
<g transform="translate(320 166) scale(1.2)">
  <g transform="translate(${n(x * 0.5)} ${n(y * 0.4)}) rotate(${n(tilt * 0.5)} 0 150)">${HAIR_BEHIND}</g>
  <g transform="translate(${n(x * 0.25)} ${n(y * 0.3)})">${BODY}</g>
  <g transform="translate(${n(x)} ${n(y)}) rotate(${n(tilt)} 0 110)">
    ${skin(open)}
    <g transform="translate(${n(x * 0.35)} ${n(y * 0.4)})">
      ${CHEEKS}
      ${eye('left', -28, blinkAt(time))}
      ${eye('right', 28, blinkAt(time))}
      ${BROWS}
      ${NOSE}
      ${mouth(open)}
    </g>
    ${HAIR_IN_FRONT}
  </g>
</g>
</svg>`
}

/** Returns how far the lids are closed, 0 to 1. */
function blinkAt(time: number) {
  const phase = time % PERIOD_SECONDS
  const nearest = Math.min(...BLINKS_AT.map(at => Math.abs(phase - at)))
  return nearest >= BLINK_SECONDS / 2 ? 0 : Math.cos((Math.PI * nearest) / BLINK_SECONDS) ** 1.5
}

function skin(open: number) {
  const chin = 98 + 7 * open
  return `<ellipse cx="-67" cy="6" rx="8" ry="15" fill="#d69a7c"/><ellipse cx="67" cy="6" rx="8" ry="15" fill="#cf9376"/>
    <path d="M-67-20C-68 20-62 48-46 ${n(73 + 3 * open)}C-32 ${n(91 + 5 * open)}-15 ${n(chin)} 0 ${n(chin)}C15 ${n(chin)} 32 ${n(91 + 5 * open)} 46 ${n(73 + 3 * open)}C62 48 68 20 67-20C66-70 38-98 0-98C-38-98-66-70-67-20Z" fill="url(#skin)"/>
    <path d="M67-20C68 20 62 48 46 ${n(73 + 3 * open)}C32 ${n(91 + 5 * open)} 15 ${n(chin)} 0 ${n(chin)}C22 88 50 52 52-20Z" fill="#b9775a" opacity=".26" filter="url(#soft6)"/>`
}

function eye(id: string, cx: number, closed: number) {
  const up = n(2.5 * closed - 8.5 * (1 - closed))
  const corner = n(1.5 * closed - 5 * (1 - closed))
  const down = n(5 - 1.5 * closed)
  const almond = `M-15 1C-10 ${up} -3 ${up} 1 ${up}C7 ${up} 12 ${corner} 15 0C10 ${down} 4 ${down} 0 ${down}C-6 ${down}-11 ${down}-15 1Z`
  const lashes = `M-15.5 1C-10 ${up} -3 ${up} 1 ${up}C7 ${up} 12 ${corner} 15.5 0`
  const side = cx < 0 ? 1 : -1
  return `<g transform="translate(${cx} -6) scale(${side} 1)">
      <ellipse cx="0" cy="-2" rx="19" ry="12" fill="#b57558" opacity=".28" filter="url(#soft3)"/>
      <clipPath id="${id}"><path d="${almond}"/></clipPath>
      <g clip-path="url(#${id})">
        <rect x="-17" y="-12" width="34" height="24" fill="#f6f1ec"/>
        <circle cx=".5" cy="-1" r="7.6" fill="url(#iris)"/><circle cx=".5" cy="-1" r="3.4" fill="#17110e"/>
        <circle cx="${n(0.5 + 2.6 * side)}" cy="-3.8" r="1.9" fill="#fff"/>
        <path d="M-17-12H17V-4C8-9-8-9-17-3Z" fill="#3c2a24" opacity=".3" filter="url(#soft1)"/>
      </g>
      <path d="${lashes}" fill="none" stroke="#33211b" stroke-width="2.4" stroke-linecap="round"/>
      <path d="M-14 2.4C-6 6.4 7 6 14 1.4" fill="none" stroke="#9a5f49" stroke-width="1" opacity=".6"/>
      <path d="M-14-7C-8-14 7-14 14-6" fill="none" stroke="#a8684e" stroke-width="1.3" opacity=".7"/>
    </g>`
}

function mouth(open: number) {
  const gap = 19 * open
  const w = 25 - 2.5 * open
  const top = 50 - 0.2 * gap
  const bottom = 50 + 0.8 * gap
  const corner = 48.2
  // A quadratic curve reaches half way to its control point.
  const inTop = n(2 * top - corner)
  const inBottom = n(2 * bottom - corner)
  const upper = `M${n(-w)} ${corner}C-15 ${n(top - 5)}-8 ${n(top - 9)}-4 ${n(top - 8.6)}L0 ${n(top - 7)}L4 ${n(top - 8.6)}C8 ${n(top - 9)} 15 ${n(top - 5)} ${n(w)} ${corner}Q0 ${inTop} ${n(-w)} ${corner}Z`
  const lower = `M${n(-w)} ${corner}Q0 ${inBottom} ${n(w)} ${corner}C16 ${n(bottom + 8.5)} 8 ${n(bottom + 11)} 0 ${n(bottom + 11)}C-8 ${n(bottom + 11)}-16 ${n(bottom + 8.5)} ${n(-w)} ${corner}Z`
  const inside = `M${n(-w)} ${corner}Q0 ${inTop} ${n(w)} ${corner}Q0 ${inBottom} ${n(-w)} ${corner}Z`
  return `<ellipse cx="0" cy="${n(bottom + 18)}" rx="15" ry="4" fill="#a3654b" opacity=".34" filter="url(#soft3)"/>
      <path d="M-2 36L0 41L2 36" fill="none" stroke="#b57a5f" stroke-width="3" opacity=".4" filter="url(#soft1)"/>
      <clipPath id="mouth"><path d="${inside}"/></clipPath>
      <path d="${inside}" fill="#3a1416"/>
      <g clip-path="url(#mouth)">
        <ellipse cx="0" cy="${n(bottom + 1)}" rx="13" ry="6" fill="#a04a4c"/>
        <path d="M-19 ${n(top - 8)}H19V${n(top + 1)}C10 ${n(top + 4.5)}-10 ${n(top + 4.5)}-19 ${n(top + 1)}Z" fill="#f1ebe4"/>
        <path d="${inside}" fill="none" stroke="#2a0d0f" stroke-width="4" opacity=".5" filter="url(#soft1)"/>
      </g>
      <path d="${upper}" fill="#b3605c"/><path d="${lower}" fill="url(#lip)"/>
      <path d="M${n(-w)} ${corner}Q0 ${inTop} ${n(w)} ${corner}" fill="none" stroke="#713033" stroke-width="1.5"/>
      <path d="M-9 ${n(bottom + 5.5)}C-4 ${n(bottom + 7)} 4 ${n(bottom + 7)} 9 ${n(bottom + 5.5)}" fill="none" stroke="#f2b9ac" stroke-width="2.4" opacity=".6" filter="url(#soft1)"/>
      <circle cx="${n(-w - 1)}" cy="${corner}" r="2" fill="#7d3f38" opacity=".5" filter="url(#soft1)"/><circle cx="${n(w + 1)}" cy="${corner}" r="2" fill="#7d3f38" opacity=".5" filter="url(#soft1)"/>`
}

function blur(id: string, by: number) {
  return `<filter id="${id}" x="-60%" y="-60%" width="220%" height="220%"><feGaussianBlur stdDeviation="${by}"/></filter>`
}

const DEFINITIONS = `<defs>
  <linearGradient id="wall" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#dfe8ea"/><stop offset="1" stop-color="#9fb5bd"/></linearGradient>
  <radialGradient id="skin" cx=".42" cy=".4" r=".72"><stop offset="0" stop-color="#f5cdb1"/><stop offset=".6" stop-color="#eab897"/><stop offset="1" stop-color="#cd9070"/></radialGradient>
  <linearGradient id="neck" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#b87f63"/><stop offset=".55" stop-color="#d9a283"/><stop offset="1" stop-color="#e2af90"/></linearGradient>
  <linearGradient id="hair" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#7a4c33"/><stop offset=".5" stop-color="#55321f"/><stop offset="1" stop-color="#3b2215"/></linearGradient>
  <linearGradient id="jacket" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#3d6274"/><stop offset="1" stop-color="#233f4d"/></linearGradient>
  <radialGradient id="iris"><stop offset="0" stop-color="#8a5f3b"/><stop offset=".7" stop-color="#5d3c24"/><stop offset="1" stop-color="#33200f"/></radialGradient>
  <linearGradient id="lip" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#bd6a66"/><stop offset="1" stop-color="#cb7d74"/></linearGradient>
  ${blur('soft1', 1)}${blur('soft3', 3)}${blur('soft6', 7)}${blur('soft20', 22)}
</defs>`

const BACKGROUND = `<rect width="640" height="360" fill="url(#wall)"/>
<rect x="60" y="-20" width="130" height="250" fill="#fff" opacity=".5" filter="url(#soft20)"/>
<rect x="505" y="130" width="150" height="260" fill="#5d7f72" opacity=".45" filter="url(#soft20)"/>
<circle cx="560" cy="110" r="52" fill="#6f9683" opacity=".5" filter="url(#soft20)"/>`

const HAIR_BEHIND = `<path d="M-84-30C-88-90-50-126 0-126C50-126 88-90 84-30C86 20 96 70 84 104C60 122 40 112 30 96H-30C-40 112-60 122-84 104C-96 70-86 20-84-30Z" fill="#38200f"/>`

const BODY = `<path d="M-32 70C-30 100-30 118-44 128L0 160L44 128C30 118 30 100 32 70Z" fill="url(#neck)"/>
<path d="M-34 84C-20 108 20 108 34 84L32 72H-32Z" fill="#8e573f" opacity=".45" filter="url(#soft6)"/>
<path d="M-46 122L0 172L46 122L70 220H-70Z" fill="#f4efe8"/><path d="M-46 122L0 173L46 122L32 96H-32Z" fill="url(#neck)"/><path d="M-36 96C-22 122 22 122 36 96L32 80H-32Z" fill="#8e573f" opacity=".4" filter="url(#soft6)"/>
<path d="M-46 122C-90 138-140 142-162 220H-20Z" fill="url(#jacket)"/><path d="M46 122C90 138 140 142 162 220H20Z" fill="#27475a"/>
<path d="M-46 122L-58 158L-36 164L-18 220H-34L-66 168L-72 136Z" fill="#2f5162"/><path d="M46 122L58 158L36 164L18 220H34L66 168L72 136Z" fill="#1e3644"/>`

const CHEEKS = `<ellipse cx="-40" cy="28" rx="15" ry="10" fill="#e58f7c" opacity=".35" filter="url(#soft6)"/>
<ellipse cx="40" cy="28" rx="15" ry="10" fill="#d97f6d" opacity=".35" filter="url(#soft6)"/>
<ellipse cx="-8" cy="-58" rx="30" ry="15" fill="#fff0e0" opacity=".4" filter="url(#soft6)"/>`

const BROWS = `<path d="M-47-23C-41-32-27-34.5-12.5-28.5C-14-26-16-26-18-26.5C-28-30-38-29-47-23Z" fill="#4a2c1c" stroke="#4a2c1c" stroke-width="1.6" stroke-linejoin="round"/>
<path d="M47-23C41-32 27-34.5 12.5-28.5C14-26 16-26 18-26.5C28-30 38-29 47-23Z" fill="#4a2c1c" stroke="#4a2c1c" stroke-width="1.6" stroke-linejoin="round"/>`

const NOSE = `<path d="M-9-14C-7 4-9 14-13 22" fill="none" stroke="#b97a5d" stroke-width="4" opacity=".22" filter="url(#soft3)"/>
<path d="M8-16C8 2 10 14 14 22C12 29 4 30 2 29C8 20 5 0 8-16Z" fill="#a3654b" opacity=".42" filter="url(#soft3)"/>
<path d="M-1-10C-2 4-2 12-1 19" fill="none" stroke="#fff1e3" stroke-width="5" opacity=".5" filter="url(#soft3)"/>
<path d="M-14 23C-15 29-9 30-7 28C-3 31 3 31 7 28C9 30 15 29 14 23" fill="none" stroke="#a5694f" stroke-width="1.6" opacity=".65" filter="url(#soft1)"/>
<ellipse cx="-6.5" cy="27" rx="3.4" ry="1.7" fill="#6b3a2b" opacity=".75" filter="url(#soft1)"/><ellipse cx="6.5" cy="27" rx="3.4" ry="1.7" fill="#6b3a2b" opacity=".75" filter="url(#soft1)"/>`

const HAIR_IN_FRONT = `<path d="M-76 84C-90 8-88-62-58-96C-36-122 34-126 60-96C88-62 90 8 76 84C66 50 68-28 54-52C28-58-4-72-20-92C-26-66-48-44-58-36C-66-18-64 50-76 84Z" fill="url(#hair)"/>
<path d="M-22-94C-10-106 20-112 40-100C20-104 0-100-20-92Z" fill="#a5724e" opacity=".5" filter="url(#soft3)"/>
<path d="M-62-60C-58-80-46-94-32-100C-44-84-52-66-56-50Z" fill="#a5724e" opacity=".45" filter="url(#soft3)"/>`
