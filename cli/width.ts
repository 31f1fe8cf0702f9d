/** East Asian wide and full-width blocks, and what terminals draw as an emoji: two columns each. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const NARROW_ONLY = /^[\u0020-\u00ff\u2010-\u2027\u2190-\u21ff\u2500-\u259f\u25a0-\u25ff]*$/

/** How many columns a terminal gives a text without escape sequences. Close enough for tables and for cutting lines. */
export function widthOf(text: string): number {
  if (NARROW_ONLY.test(text)) return text.length
  let width = 0
  for (const character of text) width += widthOfOne(character)
  return width
}

function widthOfOne(character: string): number {
  if (/^\p{M}$/u.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** The text, cut to so many columns with an ellipsis where it is longer. */
export function fitting(text: string, columns: number): string {
  if (columns === Infinity || widthOf(text) <= columns) return text
  let width = 0
  let cut = ''
  for (const character of text) {
    width += widthOfOne(character)
    if (width > columns - 1) return `${cut}…`
    cut += character
  }
  return cut
}
