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

/** Whether some text is matched by both globs. */
export function globsOverlap(a: string, b: string): boolean {
  // reach[j]: the first i characters of a and the first j of b can stand for the same text.
  let reach = Array.from({ length: b.length + 1 }, (_, j) => /^\**$/.test(b.slice(0, j)))
  for (let i = 1; i <= a.length; i++) {
    const row: boolean[] = [reach[0] === true && a[i - 1] === '*']
    for (let j = 1; j <= b.length; j++) {
      const x = a[i - 1]
      const y = b[j - 1]
      const either = x === '*' || y === '*'
      const step = x === '?' || y === '?' || x === y
      row.push(
        (either && (reach[j] === true || row[j - 1] === true)) || ((either || step) && reach[j - 1] === true),
      )
    }
    reach = row
  }
  return reach[b.length] === true
}
