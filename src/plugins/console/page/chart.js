/**
 * A chart of the last hour: lines over time, drawn in the pixels that there are. Arrows, or the pointer, read a moment; what is
 * read stands in the legend.
 */
import { element, h, patch } from './dom.js'
import { minuteOfDay, timeOfDay } from './format.js'

/** @import { HistoryPoint } from '../../../console/state.ts' */

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} mark class of its line and its legend: the dash tells the lines apart without colour
 * @property {(point: HistoryPoint) => number} valueAt
 * @typedef {object} ChartOptions
 * @property {string} label
 * @property {readonly Series[]} series
 * @property {(value: number) => string} format
 * @property {boolean} [isFilled] the area below the first series is filled
 * @property {boolean} [isLogarithmic] a step up is ten times as much: for values that are far apart
 */

const height = 168
const margin = { left: 58, right: 10, top: 10, bottom: 22 }

/** @param {ChartOptions} options */
export function createChart({ label, series, format, isFilled, isLogarithmic }) {
  /** @type {readonly HistoryPoint[]} */
  let points = []
  /** Time of the moment that is read; undefined: the newest. @type {number | undefined} */
  let read
  let width = 0
  const svg = /** @type {SVGSVGElement} */ (
    /** @type {unknown} */ (
      element(
        h('svg.chart', {
          role: 'slider',
          tabindex: 0,
          'aria-label': `${label}: moment in the last hour`,
          height,
          onkeydown: onKey,
          onpointermove: onPointer,
          onpointerleave: () => show(undefined),
          onblur: () => show(undefined),
        }),
      )
    )
  )
  const legend = element(h('div.legend'))
  const root = element(h('figure.panel.chart-panel', {}, h('figcaption', {}, h('h2', {}, label), legend), svg))
  new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width)
    draw()
  }).observe(svg)

  /** @param {number | undefined} time */
  function show(time) {
    read = time
    draw()
  }

  const indexRead = () => {
    const index = points.findIndex(({ time }) => time === read)
    return index === -1 ? points.length - 1 : index
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const steps = /** @type {Record<string, number>} */ ({
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageUp: 30,
      PageDown: -30,
      Home: -points.length,
      End: points.length,
    })
    const step = steps[event.key]
    if (step === undefined || points.length === 0) return
    event.preventDefault()
    show(points[Math.min(points.length - 1, Math.max(0, indexRead() + step))].time)
  }

  /** @param {PointerEvent} event */
  function onPointer(event) {
    if (points.length < 2) return
    const place = (event.offsetX - margin.left) / Math.max(1, width - margin.left - margin.right)
    const index = Math.round(place * (points.length - 1))
    show(points[Math.min(points.length - 1, Math.max(0, index))].time)
  }

  function draw() {
    const at = indexRead()
    const point = points[at]
    const texts = series.map(({ valueAt }) => (point ? format(valueAt(point)) : '–'))
    patch(
      legend,
      h('span.legend-time', {}, point ? timeOfDay(point.time) : ''),
      series.map(({ name, mark }, index) =>
        h('span.legend-entry', {}, swatch(mark), `${name} `, h('b', {}, texts[index])),
      ),
    )
    svg.setAttribute('aria-valuemin', '0')
    svg.setAttribute('aria-valuemax', String(Math.max(0, points.length - 1)))
    svg.setAttribute('aria-valuenow', String(Math.max(0, at)))
    const spoken = series.map(({ name }, index) => `${name} ${texts[index]}`).join(', ')
    svg.setAttribute('aria-valuetext', point ? `${timeOfDay(point.time)}: ${spoken}` : 'no data yet')
    if (width > margin.left + margin.right) patch(svg, ...drawing(at))
  }

  /** @param {number} at */
  function drawing(at) {
    const values = points.flatMap((point) => series.map(({ valueAt }) => valueAt(point)))
    const { ticks, placeOf } = isLogarithmic ? logarithmicScale(values) : linearScale(values)
    const [right, bottom] = [width - margin.right, height - margin.bottom]
    /** @param {number} index */
    const x = (index) => margin.left + (index / Math.max(1, points.length - 1)) * (right - margin.left)
    /** @param {number} value */
    const y = (value) => bottom - placeOf(value) * (bottom - margin.top)
    const lines = series.map(({ valueAt, mark }) => ({
      mark,
      path: points.map((point, index) => `${x(index).toFixed(1)},${y(valueAt(point)).toFixed(1)}`).join(' '),
    }))
    return [
      ...ticks.map((tick) =>
        h(
          'g.tick',
          {},
          h('line', { x1: margin.left, x2: right, y1: y(tick), y2: y(tick) }),
          h(
            'text',
            { x: margin.left - 8, y: y(tick) + 4, 'text-anchor': 'end' },
            format(tick).replace(/\.0+(?!\d)/, ''),
          ),
        ),
      ),
      ...timeTicks().map(({ index, anchor }) =>
        h('text.tick', { x: x(index), y: height - 5, 'text-anchor': anchor }, clockText(points[index].time)),
      ),
      isFilled &&
        points.length > 1 &&
        h('polygon.area', { points: `${margin.left},${bottom} ${lines[0].path} ${right},${bottom}` }),
      ...lines.map(({ mark, path }) => h('polyline.line', { class: mark, points: path })),
      read !== undefined && h('line.crosshair', { x1: x(at), x2: x(at), y1: margin.top, y2: bottom }),
      ...(points.length > 0 ? series : []).map(({ mark, valueAt }) =>
        h('circle.dot', { class: mark, cx: x(at), cy: y(valueAt(points[at])), r: 3 }),
      ),
    ]
  }

  /** Seconds tell the moments of a few minutes apart. @param {number} time */
  function clockText(time) {
    return points[points.length - 1].time - points[0].time < 600_000 ? timeOfDay(time) : minuteOfDay(time)
  }

  /** About a tick each 110 pixels, the first and the last among them. */
  function timeTicks() {
    const last = points.length - 1
    if (last < 1) return []
    const number = Math.max(1, Math.min(6, Math.floor((width - margin.left) / 110)))
    return Array.from({ length: number + 1 }, (_, each) => ({
      index: Math.round((each / number) * last),
      anchor: each === 0 ? 'start' : each === number ? 'end' : 'middle',
    }))
  }

  return {
    element: root,
    /** @param {readonly HistoryPoint[]} history */
    update(history) {
      points = history
      draw()
    },
  }
}

/** @param {string} mark */
export function swatch(mark) {
  return h(
    'svg.swatch',
    { 'aria-hidden': 'true', width: 18, height: 8 },
    h('line.line', { class: mark, x1: 0, x2: 18, y1: 4, y2: 4 }),
  )
}

/**
 * Where values stand, 0 at the bottom to 1 at the top, and the round values that are marked.
 * @typedef {{ ticks: readonly number[], placeOf: (value: number) => number }} Scale
 */

/** From 0, in three to five steps. @param {readonly number[]} values @returns {Scale} */
function linearScale(values) {
  const most = Math.max(...values.filter(Number.isFinite), 0)
  if (most === 0) return { ticks: [0, 1], placeOf: () => 0 }
  const power = 10 ** Math.floor(Math.log10(most / 4))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= most / 4) ?? most
  const steps = Math.ceil(most / step - 1e-9)
  return {
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
    placeOf: (value) => (Number.isFinite(value) ? value / (steps * step) : 0),
  }
}

/** From one power of ten to another; what is below the first stands on it. @param {readonly number[]} values @returns {Scale} */
function logarithmicScale(values) {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value))
  if (positive.length === 0) return { ticks: [], placeOf: () => 0 }
  const first = Math.floor(Math.log10(Math.min(...positive)))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...positive))))
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)),
    placeOf: (value) => (value > 0 ? Math.max(0, (Math.log10(value) - first) / (last - first)) : 0),
  }
}
