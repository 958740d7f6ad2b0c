/** A chart of lines as SVG: a logarithmic scale of x, a linear one of y from 0. Legible on light and dark pages. */

export interface Line {
  readonly name: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface LineChart {
  readonly title: string
  /** Units of the axes. */
  readonly x: string
  readonly y: string
  readonly lines: readonly Line[]
}

const width = 640
const height = 320
const margin = { left: 60, right: 110, top: 40, bottom: 50 }
const colours = ['#2b7bba', '#d9822b', '#3a9d5d', '#8e5bb5']

export function lineChart({ title, x, y, lines }: LineChart): string {
  const all = lines.flatMap(({ points }) => points)
  const powers = all.map((point) => Math.log10(point.x))
  const [least, most] = [Math.min(...powers), Math.max(...powers)]
  const step = niceStep(Math.max(...all.map((point) => point.y)) / 5)
  const top = step * Math.ceil(Math.max(...all.map((point) => point.y)) / step)
  const across = (value: number) =>
    margin.left + ((Math.log10(value) - least) / (most - least)) * (width - margin.left - margin.right)
  const up = (value: number) => height - margin.bottom - (value / top) * (height - margin.top - margin.bottom)
  const right = width - margin.right
  const grid = Array.from({ length: Math.round(top / step) + 1 }, (_, at) => at * step).map(
    (value) =>
      `<path d="M${margin.left} ${up(value)}H${right}" stroke="#888" stroke-opacity=".3"/>${label(margin.left - 8, up(value) + 4, String(Number(value.toPrecision(3))), 'end')}`,
  )
  const ticks = [...new Set(all.map((point) => point.x))].map((value) =>
    label(across(value), height - margin.bottom + 20, value.toLocaleString('en-US'), 'middle'),
  )
  const drawn = lines.map(({ name, points }, at) => {
    const colour = colours[at % colours.length]!
    const path = points.map((point) => `${across(point.x).toFixed(1)} ${up(point.y).toFixed(1)}`).join('L')
    const last = points.at(-1)!
    return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>${label(across(last.x) + 8, up(last.y) + 4, name, 'start', colour)}`
  })
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    label(margin.left, 20, `${title}, ${y}`, 'start'),
    ...grid,
    ...ticks,
    label((margin.left + right) / 2, height - 10, x, 'middle'),
    ...drawn,
    '</svg>',
  ].join('\n')}\n`
}

function label(x: number, y: number, text: string, anchor: string, colour = '#888'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${text}</text>`
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10) * power
}
