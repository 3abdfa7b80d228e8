"""What any page of ours must keep to, whoever looks at it: asked of the page in the browser."""

#: Ids that occur twice, links within the page that lead nowhere, pictures without words.
STRUCTURE = """() => {
  const all = selector => [...document.querySelectorAll(selector)]
  const ids = all('[id]').map(e => e.id)
  return {
    twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    dead: all('a').map(a => a.getAttribute('href')).filter(
      href => !href || href.startsWith('#') && !ids.includes(decodeURIComponent(href.slice(1)))),
    strange: all('a').map(a => a.href).filter(href => !/^(https?|mailto|file):/.test(href)),
    untold: all('img').filter(i => !(i.alt.trim().length > 10)).map(i => i.outerHTML.slice(0, 80)),
    broken: all('img').filter(i => !(i.complete && i.naturalWidth)).length,
    acting: all('script, iframe, object, embed, form, svg, link, base').length,
    handlers: all('*').flatMap(e => e.getAttributeNames()).filter(name => name.startsWith('on')),
    headings: all('h1').length,
  }
}"""

SOUND = {"twice": [], "dead": [], "strange": [], "untold": [], "broken": 0, "acting": 0,
         "handlers": [], "headings": 1}  # fmt: skip

#: Words that stand out too little from what is behind them (WCAG 2.1 AA: 4.5 to 1), all folds open.
FAINT = """() => {
  document.querySelectorAll('details').forEach(fold => fold.open = true)
  const parts = color => color.match(/[\\d.]+/g).map(Number)
  const light = color => {
    const [r, g, b] = color.map(c => c / 255).map(
      c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = e => {
    for (; e; e = e.parentElement) {
      const color = parts(getComputedStyle(e).backgroundColor)
      if (color.length === 3 || color[3] === 1) return color.slice(0, 3)
    }
    return [255, 255, 255]
  }
  const faint = []
  for (const e of document.querySelectorAll('body *')) {
    const words = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join('')
    if (!words || !e.getClientRects().length) continue
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (ratio < 4.5)
      faint.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className}: ${words.slice(0, 40)}`)
  }
  return faint
}"""


def check(page, complaints):
    """Everything of the above, that nothing sticks out to the side, and that nothing complained."""
    assert page.evaluate(STRUCTURE) == SOUND
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert complaints == []


def follow_every_link(page):
    """Each link within the page brings its place into view."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    places = page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash)")
    for place in dict.fromkeys(places):
        page.locator(f'a[href="{place}"]').first.evaluate("link => link.click()")
        top = page.evaluate(
            "id => document.getElementById(id).getBoundingClientRect().top",
            place[1:],
        )
        height = page.viewport_size["height"]
        assert page.evaluate("location.hash") == place and -1 <= top < height, place
    return len(set(places))
