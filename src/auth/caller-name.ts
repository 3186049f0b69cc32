/** Whether a text can name a caller: 1 to 200 characters, none of them blank or invisible. */
export const isCallerName = (text: unknown): text is string =>
  typeof text === 'string' && /^[\p{L}\p{M}\p{N}\p{P}\p{S}]{1,200}$/u.test(text)
