// What a person would mind about this page, as a list of texts; null while it is not yet
// there. It runs in one go, so that a page which comes again by itself is not half of
// another one.
(width, dark, sees) => {
	const root = document.documentElement
	if (document.readyState !== "complete" || screen.width !== width || matchMedia("(prefers-color-scheme: dark)").matches !== dark) {
		return null
	}
	const minds = []
	const name = e => e.tagName.toLowerCase() + (e.className && typeof e.className === "string" ? "." + e.className : "") + " " + JSON.stringify((e.textContent || e.value || "").trim().slice(0, 30))

	// scrolls is whether an element lies in a box of its own that can be moved to see it.
	const scrolls = e => {
		for (e = e.parentElement; e && e !== document.body && e !== root; e = e.parentElement) {
			if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return true
		}
		return false
	}
	const wide = root.clientWidth
	if (wide > width) minds.push(`it is laid out for ${wide} px and shown on ${width}`)
	if (root.scrollWidth > wide) minds.push(`it is ${root.scrollWidth} px wide, on a screen of ${wide}`)
	for (const e of document.body.querySelectorAll("*")) {
		const box = e.getBoundingClientRect()
		if (e.closest("svg") !== e && e.closest("svg")) continue
		if (box.width > 0 && (box.right > wide + 1 || box.left < -1) && !scrolls(e)) minds.push(`it is cut off: ${name(e)}, ${Math.round(box.left)} to ${Math.round(box.right)}`)
	}

	// What has to be there is there, and takes room.
	for (const what of sees) {
		const found = [...document.querySelectorAll(what)]
		if (!found.some(e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && e.getBoundingClientRect().height > 5)) minds.push(`it is not to be seen: ${what}`)
	}
	for (const e of document.querySelectorAll("svg")) {
		if (!e.checkVisibility()) continue // the one of another screen
		const box = e.getBoundingClientRect()
		if (box.width < 250 || box.height < 80) minds.push(`a picture of ${Math.round(box.width)} by ${Math.round(box.height)} px`)
		if (![...e.querySelectorAll("path, rect, polyline, line")].some(p => p.getBoundingClientRect().width > 100)) minds.push("a picture of nothing")
	}

	// A color as the screen has it: red, green and blue from 0 to 255, and how opaque.
	const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true})
	const rgba = color => {
		paint.clearRect(0, 0, 1, 1)
		paint.fillStyle = color
		paint.fillRect(0, 0, 1, 1)
		const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data
		return [r, g, b, a / 255]
	}
	const over = (top, below) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * below[i]).concat(1)
	const probe = root.appendChild(document.createElement("i")) // the paper is of the root's scheme, whatever the body says
	probe.style.color = "Canvas"
	const paper = rgba(getComputedStyle(probe).color)
	probe.remove()
	const behind = e => {
		const layers = []
		for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor))
		return layers.reverse().reduce((below, top) => over(top, below), paper)
	}
	const light = color => {
		const [r, g, b] = color.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		return 0.2126 * r + 0.7152 * g + 0.0722 * b
	}
	const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05)

	const read = new Set([...document.querySelectorAll("input:not([type=hidden]), textarea")])
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	const range = document.createRange()
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement
		for (const word of texts.currentNode.data.matchAll(/(?<!\S)[A-Za-z]{2,20}[,:]?(?!\S)/g)) {
			range.setStart(texts.currentNode, word.index)
			range.setEnd(texts.currentNode, word.index + word[0].length)
			if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) minds.push(`a broken word: ${word[0]}`)
		}
		if (texts.currentNode.data.trim() && e.tagName !== "TITLE" && e.tagName !== "title" && e.tagName !== "OPTION") read.add(e)
	}
	for (const e of read) {
		if (!e.checkVisibility({visibilityProperty: true})) continue
		const empty = e.placeholder && !e.value ? "::placeholder" : null
		const style = getComputedStyle(e, empty), svg = e.closest("svg")
		const size = parseFloat(style.fontSize) * (svg ? e.getScreenCTM().a : 1) * visualViewport.scale
		if (size < 10.9) minds.push(`text of ${size.toFixed(1)} px: ${name(e)}`)
		const back = behind(e)
		const ratio = contrast(over(rgba(svg ? style.fill : style.color), back), back)
		if (ratio < 4.5) minds.push(`a contrast of ${ratio.toFixed(1)}: ${name(e)}`)
	}
	return minds
}
