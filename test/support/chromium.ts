import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'

/** Whether the tests in Chromium can run. CI must run them. */
export const hasChromium = existsSync(CHROMIUM)
if (!hasChromium) {
  if (process.env.CI) throw new Error(`There is no Chromium at ${CHROMIUM}. CI must run the tests in the browser.`)
  console.warn(
    `SKIPPED: there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH), so the tests in the browser were not run.`,
  )
}

export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
}
