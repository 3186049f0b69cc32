import { StoreError } from '../../tasks/store-error.js'

/** Whether a URL names a Postgres database. */
export function isPostgresUrl(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url)
}

/** How errors and logs name a database: never with its credentials. */
export function describePostgres(url: string): string {
  try {
    const { hostname, port, pathname, username } = new URL(url)
    return `"${decodeURIComponent(pathname.slice(1) || username)}" on ${hostname || 'localhost'}:${port || 5_432}`
  } catch {
    // The cause would quote the whole URL.
    throw new StoreError('failed', 'DATABASE_URL is not a valid postgres:// URL.')
  }
}
