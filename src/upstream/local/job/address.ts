import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** What the Internet routes today: everything else in IPv6 is local, a tunnel, or not given out. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether an IP address is one of the public Internet: not private, loopback, link-local, shared (CGNAT), multicast,
 * unspecified or reserved, nor one of the IPv6 forms that carry such an IPv4 address (mapped, NAT64, 6to4, Teredo).
 */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false
  const unwrapped = ipaddr.process(address)
  if (unwrapped.range() !== 'unicast') return false
  return unwrapped instanceof ipaddr.IPv4 || unwrapped.match(GLOBAL_UNICAST)
}

/** Whether the address in a URL is named by the list, as `host` (any port) or as `host:port`. */
export const isAllowedHost = (url: URL, allowedHosts: readonly string[]): boolean => {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return allowedHosts.some(entry => [url.hostname, `${url.hostname}:${port}`].includes(entry.toLowerCase()))
}
