/**
 * Whether the whole text matches the glob: `*` stands for any run of characters, `?` for exactly one, everything else for
 * itself, case-sensitive. Takes at most `glob` x `text` steps: only the last `*` is ever reconsidered, so no glob is slow.
 */
export function matchGlob(glob: string, text: string): boolean {
  const pattern = Array.from(glob)
  const subject = Array.from(text)
  let at = 0
  let from = 0
  let star = -1
  let resume = 0
  while (from < subject.length) {
    const sign = pattern[at]
    if (sign === '*') {
      star = at++
      resume = from
    } else if (sign !== undefined && (sign === '?' || sign === subject[from])) {
      at++
      from++
    } else if (star >= 0) {
      at = star + 1
      from = ++resume
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
