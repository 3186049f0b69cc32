/** Letters, marks, numbers, punctuation and symbols, except those that are drawn as nothing or as a blank. */
const VISIBLE = /^(?!.*[\p{Default_Ignorable_Code_Point}\u2800\u{1D159}])[\p{L}\p{M}\p{N}\p{P}\p{S}]{1,200}$/u

/**
 * Whether a text can name a caller: 1 to 200 visible characters without blanks, in Unicode's composed form (NFC), so that
 * two names that look alike are not two callers.
 */
export function isCallerName(text: unknown): text is string {
  return typeof text === 'string' && VISIBLE.test(text) && text === text.normalize('NFC')
}
