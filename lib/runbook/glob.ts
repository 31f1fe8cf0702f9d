/**
 * Whether a glob matches a whole text: `*` stands for any characters (also none), `?` for one. Case counts, as it does in
 * CloudWatch. Linear in practice and never worse than the product of the lengths, whatever the pattern.
 */
export function globMatches(glob: string, text: string): boolean {
  let g = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++
      resume = t
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === text[t])) {
      g++
      t++
    } else if (star >= 0) {
      g = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (glob[g] === '*') g++
  return g === glob.length
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
