/** The page of the console as people use it: in Chromium, by keyboard, in both themes, on a server that fails and lies. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, KeyInput, Page } from 'puppeteer-core'
import type { ConsoleState } from '../../src/console/state.ts'
import { relayName, tableName } from '../support/console/explanations.ts'
import {
  type ConsoleServer,
  complaintsOf,
  setTheme,
  show,
  startBrowser,
  startConsole,
  violationsOf,
} from '../support/console/page.ts'
import { emptyState, healthyState, hostileState, hostileTexts, troubledState } from '../support/console/states.ts'
import { without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const views = ['overview', 'traffic', 'services', 'splits', 'holds', 'problems', 'upstreams', 'changes', 'explain']
/** Views with what opens inside of them. */
const openViews = [
  'services/shop/web-0',
  `explain/${tableName}/A`,
  `explain/${relayName}/A`,
  'explain/web.corp.example./A',
]

describe('the page of the console', { skip: without('chromium') }, () => {
  let server: ConsoleServer
  let browser: Browser
  let page: Page
  let complaints: string[]

  before(async () => {
    server = await startConsole(troubledState())
    browser = await startBrowser()
    page = await browser.newPage()
    complaints = complaintsOf(page)
    await page.setViewport({ width: 1280, height: 800 })
    await setTheme(page, 'dark')
    await page.goto(server.url)
    await page.waitForSelector('main .view')
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  const inPage = async <T>(expression: string): Promise<T> => (await page.evaluate(expression)) as T
  const text = (selector: string): Promise<string> =>
    inPage(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`)
  const shows = (selector: string, expected: RegExp): Promise<void> =>
    until(async () => assert.match(await text(selector), expected))

  /** Sends a state, and waits until its mark is in the page. */
  let uptime = 100_000
  async function send(state: ConsoleState): Promise<void> {
    uptime += 86_400
    server.state = { ...state, server: { ...state.server, uptime } }
    await shows('.verdict-facts', new RegExp(`up ${Math.floor(uptime / 86_400)}\\sd`))
  }

  it('no view of the page has an accessibility problem that axe finds, in the dark and in the light', async () => {
    for (const theme of ['dark', 'light'] as const) {
      await setTheme(page, theme)
      for (const view of [...views, ...openViews]) {
        await show(page, view)
        if (view.includes('/')) await page.waitForSelector('.plan, .detail table')
        // Nothing but colours is other in the light.
        const rules = theme === 'light' ? ['color-contrast'] : undefined
        assert.deepEqual(await violationsOf(page, rules), [], `${view}, ${theme}`)
      }
    }
    assert.deepEqual(complaints, [])
  })

  it('every view of the page fits screens of 360 and of 1920 pixels', async () => {
    for (const width of [360, 1920]) {
      await page.setViewport({ width, height: 800 })
      for (const view of [...views, ...openViews]) {
        await show(page, view)
        const excess = await inPage(
          `[document.documentElement, document.querySelector('main')].map((node) => node.scrollWidth - node.clientWidth)`,
        )
        assert.deepEqual(excess, [0, 0], `${view} at ${width} pixels`)
      }
    }
    await page.setViewport({ width: 1280, height: 800 })
  })

  it('the worst trouble stands first on the page, the critical before the warnings, with its view', async () => {
    await show(page, 'overview')
    assert.match(await text('.verdict-word'), /^Failing$/)
    const wrong = await text('.findings')
    const order = ['is away', 'Every upstream of forward', 'The reload at', 'Memory is near its limit', 'SERVFAIL', '4 services have no ready endpoint', '3 annotations are ignored or without effect'] // biome-ignore format: a line
    const places = order.map((words) => wrong.indexOf(words))
    assert.deepEqual(places, places.toSorted((a, b) => a - b), wrong) // biome-ignore format: a line
    assert.ok(places.every((place) => place >= 0), wrong) // biome-ignore format: a line
    assert.equal(await inPage(`document.title`), `Failing – ${server.state.server.host} – slicedns`)
  })

  it('the keyboard reaches every view, a service, its explanation and the list of keys', async () => {
    for (const [index, view] of views.entries()) {
      await page.keyboard.press(String(index + 1) as KeyInput)
      await page.waitForSelector(`main[data-view="${view}"]`)
      assert.match(await text('nav [aria-current]'), new RegExp(`^${index + 1}`))
    }
    await page.keyboard.press('3')
    await page.waitForSelector('.services')
    for (const key of ['j', 'j', 'ArrowDown', 'k'] as const) await page.keyboard.press(key)
    assert.match(await text('.grid-row.is-active'), /^team-a\/checkout-1/)
    assert.equal(
      await inPage(`document.activeElement.getAttribute('aria-activedescendant')`),
      await inPage(`document.querySelector('.is-active').id`),
    )
    await page.keyboard.press('Enter')
    await page.waitForSelector('.detail table')
    assert.match(await text('.detail'), /10\.244\.1\.21[\s\S]*terminating, serving/)
    await page.keyboard.press('Escape')
    await page.waitForSelector('.detail[hidden]')
    assert.equal(await inPage(`document.activeElement.getAttribute('role')`), 'grid')
    await page.keyboard.press('f')
    await page.keyboard.type('training ckpt')
    await shows('.found', /^\d of 60 services$/)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await shows('.found', /^60 services$/)
    await page.keyboard.press('/')
    await page.keyboard.type(`${tableName} aaaa`)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.plan')
    assert.equal(await inPage(`location.hash`), `#/explain/${tableName}/AAAA`)
    await page.keyboard.press('?')
    await page.waitForSelector('dialog[open]')
    assert.match(await text('dialog'), /Explain a name/)
    assert.deepEqual(await violationsOf(page), [])
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog:not([open])')
  })

  it('every stop of the tabulator is in sight and has a visible focus', async () => {
    for (const view of ['overview', 'traffic', 'services', 'explain']) {
      await show(page, view)
      await page.focus('#skip')
      const seen = new Set<string>()
      for (let stop = 0; stop < 60; stop++) {
        await page.keyboard.press('Tab')
        const focus = await inPage<{ name: string; outline: string; isInSight: boolean }>(`(() => {
          const node = document.activeElement
          const { outlineStyle } = getComputedStyle(node)
          const { top, bottom, left, right, width } = node.getBoundingClientRect()
          const isInSight = width > 0 && bottom > 0 && right > 0 && top < innerHeight && left < innerWidth
          return { name: node.tagName + ' ' + (node.ariaLabel ?? node.innerText ?? node.id), outline: outlineStyle, isInSight }
        })()`)
        if (focus.name.startsWith('BODY')) break
        seen.add(focus.name)
        assert.notEqual(focus.outline, 'none', `${view}: ${focus.name} has no outline`)
        assert.ok(focus.isInSight, `${view}: ${focus.name} is out of sight`)
      }
      assert.ok(seen.size > 13, [...seen].join('; '))
    }
  })

  it('the way of an answer is drawn as it is: from the table, by the relay, out of the chain', async () => {
    for (const [name, stop, words] of [
      [tableName, 'Answer table', /has the answer ready/],
      [relayName, 'Relay', /UDP thread/],
      ['web.corp.example.', 'forward', /forwards to 10\.0\.0\.2:53/],
    ] as const) {
      await show(page, `explain/${encodeURIComponent(name)}/A`)
      await shows('.path h2', new RegExp(name.replaceAll('.', '\\.')))
      const taken = await inPage<string[]>(
        `[...document.querySelectorAll('.stop.is-taken')].map((each) => each.innerText)`,
      )
      assert.ok(taken.some((each) => each.startsWith(stop) && words.test(each)), taken.join('\n')) // biome-ignore format: a line
      assert.match(taken[0], /dns:\/\/127\.0\.0\.1:53 and dns:\/\/\[::1\]:53/)
      assert.equal(await inPage(`document.querySelectorAll('.path').length`), 1)
      assert.ok((await inPage<number>(`document.querySelectorAll('.rail.taken').length`)) > 3)
      assert.equal(await inPage(`document.querySelectorAll('.stop').length`), 5 + 11)
    }
  })

  it('an event changes the figures that are others and nothing else, and moves nothing', async () => {
    await send(healthyState())
    await show(page, 'overview')
    await inPage(`(() => {
      window.records = []
      window.shifts = 0
      new MutationObserver((list) => window.records.push(...list)).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shifts += entry.value })).observe({ type: 'layout-shift' })
    })()`)
    const healthy = healthyState()
    for (const queries of [12_555, 9_700, 998_000]) {
      await send({
        ...healthy,
        traffic: { ...healthy.traffic, queries, latency: { p50: queries / 1e11, p99: queries / 1e9 } },
      })
      await inPage(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
    }
    const records = await inPage<
      { type: string; place: string }[]
    >(`window.records.map(({ type, target, attributeName }) => ({
      type, place: type === 'attributes' ? attributeName : (target.parentElement ?? target).className,
    }))`)
    const other = records.filter(({ type }) => type === 'childList')
    assert.deepEqual(other, [], 'elements came or went')
    assert.ok(records.length > 0 && records.length < 40, `${records.length} changes`)
    assert.equal(await inPage(`window.shifts`), 0)
  })

  it('server blocks that look alike are all shown, also after their number has changed', async () => {
    await show(page, 'upstreams')
    const healthy = healthyState()
    const [block] = healthy.cache
    for (const number of [2, 3, 1]) {
      const cache = Array.from({ length: number }, (_, index) => ({ ...block, success: 1000 + index }))
      await send({ ...healthy, cache })
      const figures = await inPage<string[]>(`[...document.querySelectorAll('.cache')].map((each) => each.innerText)`)
      assert.deepEqual(figures.map((each) => /Answers\s+([\d,]+)/.exec(each)?.[1]), cache.map(({ success }) => success.toLocaleString('en'))) // biome-ignore format: a line
    }
  })

  it('the live region speaks when the state of the whole changes, and not at each event', async () => {
    await send(healthyState())
    await inPage(`(() => {
      window.spoken = []
      const region = document.querySelector('#announcement')
      new MutationObserver(() => window.spoken.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true })
    })()`)
    for (const state of [healthyState(), healthyState(41), troubledState(), troubledState(), healthyState()])
      await send(state)
    assert.deepEqual(await inPage(`window.spoken`), [
      'Failing: The API server https://10.96.0.1:443 is away',
      'Healthy',
    ])
  })

  it('ten thousand services are some dozen rows at a time, from the first to the last', async () => {
    await send(healthyState(10_000))
    await show(page, 'services')
    const rows = () => inPage<number>(`document.querySelectorAll('.grid-rows .grid-row').length`)
    assert.ok((await rows()) < 60)
    assert.equal(await inPage(`document.querySelector('.grid').getAttribute('aria-rowcount')`), '10001')
    await page.focus('.grid')
    for (const [key, name] of [
      ['End', 'web-9996|checkout-9997|orders-9998|llm-9999|api-9999|ckpt-9999|worker-9999|orders-9999|web-9999'],
      ['Home', 'web-0'],
    ] as const) {
      // biome-ignore format: a line
      await page.keyboard.press(key)
      await shows('.grid-row.is-active', new RegExp(`/(?:${name})\\b`))
      assert.ok((await rows()) < 60)
    }
    await inPage(`document.querySelector('.grid').scrollTop = 170_000`)
    await shows('.grid-rows', /-5000\b/)
    assert.ok((await rows()) < 60)
    await page.type('.filter', 'worker-77')
    await shows('.found', /of 10,000 services$/)
    assert.match(await text('.grid-rows'), /^[\w-]+\/worker-77/)
    assert.deepEqual(complaints, [])
  })

  it('names, annotations and errors of a hostile tenant are shown as they stand and do nothing', async () => {
    await page.reload()
    await send(hostileState())
    const visible = hostileTexts.filter((each) => each.trim() !== '' && each.isWellFormed() && !each.includes('\0'))
    const seen = new Set<string>()
    for (const view of [...views, 'services/shop/<script>', 'explain/%3Cimg%20src=x%20onerror=alert(1)%3E/A']) {
      await show(page, view)
      await inPage(`new Promise((resolve) => requestAnimationFrame(resolve))`)
      const all = await inPage<string>(`document.body.textContent`)
      for (const each of visible) if (all.includes(each)) seen.add(each)
      assert.deepEqual(
        await inPage(`[...document.querySelectorAll('script, img, iframe, object, embed, base, link, style, svg *')]
          .filter((node) => !['script[src="console.js"]', 'link[href]', 'svg *'].some((known) => node.matches(known))).map((node) => node.outerHTML)`),
        [],
      )
      assert.deepEqual(
        await inPage(`[...document.querySelectorAll('*')].flatMap((node) => [...node.attributes])
          .filter(({ name, value }) => name.startsWith('on') || (/href|src|action/.test(name) && !/^(#|console\\.|icon\\.svg)/.test(value))).map(({ name, value }) => name + '=' + value)`),
        [],
      )
    }
    assert.equal(await inPage(`window.attacked`), undefined)
    assert.deepEqual(visible.filter((each) => !seen.has(each)), []) // biome-ignore format: a line
    assert.deepEqual(complaints, [])
  })

  it('a server that has nothing to show gives a page that says so', async () => {
    await send(emptyState())
    for (const [view, words] of [
      ['overview', /no cluster is served/],
      ['traffic', /There were no queries to judge/],
      ['services', /^0 services/m],
      ['splits', /No Service has a split/],
      ['holds', /No query waits/],
      ['problems', /No annotation is ignored/],
      ['upstreams', /No plugin asks upstreams[\s\S]*No server block has a cache/],
      ['changes', /No answer has changed/],
      ['explain', /Why is a name answered/],
    ] as const) {
      await show(page, view)
      assert.match(await text('main'), words)
    }
    await show(page, 'services')
    assert.deepEqual(await violationsOf(page), [])
  })

  it('the theme and the pause are the reader’s: the choice stays, and paused figures stand still', async () => {
    const background = () => inPage<string>(`getComputedStyle(document.body).backgroundColor`)
    await setTheme(page, 'light')
    const light = await background()
    for (let presses = 0; presses < 2; presses++) await page.click('#tools button:nth-child(2)')
    assert.notEqual(await background(), light)
    await page.reload()
    await page.waitForSelector('main .view')
    assert.notEqual(await background(), light)
    await page.click('#tools button:nth-child(2)')
    assert.equal(await background(), light)

    await page.keyboard.press('p')
    await shows('#banner', /Paused/)
    const facts = await text('.verdict-facts')
    server.state = healthyState(77)
    const events = server.events
    await until(() => assert.ok(server.events > events + 3))
    assert.equal(await text('.verdict-facts'), facts)
    await page.keyboard.press('p')
    await until(async () => assert.notEqual(await text('.verdict-facts'), facts))
  })

  it('a server that goes away leaves figures that nobody trusts, and the page comes back with it', async () => {
    await send(healthyState())
    await show(page, 'overview')
    await server.stop()
    await shows('#banner', /^Disconnected since \d\d:\d\d:\d\d .*do not trust them/)
    assert.equal(await inPage(`document.body.dataset.connection`), 'lost')
    assert.match(await text('.verdict-word'), /^Unknown$/)
    assert.deepEqual(await violationsOf(page), [])
    // What stands in its place lets nobody in.
    const wall = createServer((_request, reply) => reply.writeHead(403).end('only operators may look'))
    await once(wall.listen(server.port, '127.0.0.1'), 'listening')
    await inPage(`[...document.querySelectorAll('#banner button')].at(-1)?.click()`)
    await shows('#banner', /^Not permitted since .*only operators may look/)
    wall.closeAllConnections()
    await once(wall.close(), 'close')
    await server.start()
    await page.waitForSelector('body[data-connection="live"]')
    assert.match(await text('.verdict-word'), /^Healthy$/)
    assert.equal(await inPage(`document.querySelector('#banner').hidden`), true)
  })
})

describe('the page of the built server', { skip: without('chromium') }, () => {
  let server: RunningServer
  let browser: Browser
  before(async () => {
    server = await startServer({
      corefile: ({ dns, ready, other }) => `.:${dns} {
        bind 127.0.0.1
        ready 127.0.0.1:${ready}
        console localhost:${other}
        kubernetes cluster.local {
            manifests ${join(import.meta.dirname, '../../examples')}
        }
      }`,
      waitFor: 'ready',
    })
    browser = await startBrowser()
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  it('the built page shows the example cluster, a service of it and the way of its answer', async () => {
    const page = await browser.newPage()
    const complaints = complaintsOf(page)
    const requests: string[] = []
    page.on('request', (request) => requests.push(new URL(request.url()).pathname))
    await page.goto(`http://localhost:${server.ports.other}/`)
    const shows = (selector: string, expected: RegExp): Promise<void> =>
      until(async () =>
        assert.match(String(await page.evaluate(`document.querySelector('${selector}')?.innerText`)), expected),
      )
    await shows('.cluster', /connected[\s\S]*services\s+synced/)
    await shows(
      '.replica',
      new RegExp(`ready[\\s\\S]*pid ${server.pid}[\\s\\S]*dns://127\\.0\\.0\\.1:${server.ports.dns}`),
    )
    await show(page, 'services/inference/llm')
    await shows('.detail', /10\.244\.1\.2\s+ready/)
    await page.keyboard.press('/')
    await page.keyboard.type(`llm.inference.svc.cluster.local`)
    await page.keyboard.press('Enter')
    await shows('.path', /Answer table\s+has the answer ready[\s\S]*IN A 10\.244\./)
    assert.deepEqual(complaints, [])
    // Three files; what it asks for comes after. When a browser fetches the icon is its own affair.
    const others = /^\/(events|service|explain|icon\.svg)$/
    assert.deepEqual(requests.filter((path) => !others.test(path)).sort(), ['/', '/console.css', '/console.js'])
  })
})
