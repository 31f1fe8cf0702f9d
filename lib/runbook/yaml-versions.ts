const BOOLEAN_1_1 = /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/
const SEXAGESIMAL_1_1 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const OCTAL_1_1 = /^[-+]?0[0-9_]+$/
const OCTAL_1_2 = /^0o[0-7]+$/
const BINARY_1_1 = /^[-+]?0b[01_]+$/
const HEX = /^[-+]?0x[0-9a-fA-F_]+$/
const UNDERSCORES_1_1 = /^[-+]?[0-9][0-9_.]*_[0-9_.]*$/
const EXPONENT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$/
const TIMESTAMP_1_1 = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt\s])/

/**
 * Why YAML 1.1 and YAML 1.2 read a plain scalar differently; `undefined` where they agree. AWS tools, editors and other
 * languages still read 1.1, so a runbook must not depend on either.
 */
export function ambiguity(source: string): string | undefined {
  if (BOOLEAN_1_1.test(source)) return 'is true or false to YAML 1.1 and a text to YAML 1.2'
  if (SEXAGESIMAL_1_1.test(source)) return 'is a number in base 60 to YAML 1.1 and a text to YAML 1.2'
  if (OCTAL_1_1.test(source))
    return 'begins with 0: an octal number or a text to YAML 1.1, a decimal number to YAML 1.2'
  if (OCTAL_1_2.test(source)) return 'is a text to YAML 1.1 and an octal number to YAML 1.2'
  if (BINARY_1_1.test(source)) return 'is a binary number to YAML 1.1 and a text to YAML 1.2'
  if (HEX.test(source) && /^[-+]|_/.test(source)) return 'is a number to YAML 1.1 and a text to YAML 1.2'
  if (UNDERSCORES_1_1.test(source)) return 'is a number to YAML 1.1 and a text to YAML 1.2'
  if (EXPONENT.test(source) && !/\..*[eE][-+]/.test(source))
    return 'is a text to YAML 1.1 and a number to YAML 1.2'
  if (TIMESTAMP_1_1.test(source)) return 'is a date to YAML 1.1 and a text to YAML 1.2'
  if (source === '=') return 'has a meaning of its own in YAML 1.1'
  return undefined
}

/** How to write an ambiguous scalar so that both versions read it alike. */
export function clearSpelling(source: string): string {
  return EXPONENT.test(source)
    ? `Write it as ${withPointAndSign(source)}, or write it out.`
    : `Put it in quotes: "${source}"`
}

/** A number with an exponent as both versions of YAML read it: with a point and with a sign. */
export function withPointAndSign(source: string): string {
  const [mantissa = '', exponent = ''] = source.toLowerCase().split('e')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}e${/^[-+]/.test(exponent) ? '' : '+'}${exponent}`
}
