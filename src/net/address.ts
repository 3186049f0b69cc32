import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** The part of IPv6 that the Internet routes today. All other ranges are local, tunnels or unassigned. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/** Public by its range, but inside Azure it reaches the platform of the virtual machine. */
const AZURE_HOST = '168.63.129.16'

const IPV6_SITE_BITS = 64

/**
 * Whether an IP address belongs to the public Internet. False for private, loopback, link-local, shared (CGNAT),
 * multicast, unspecified and reserved addresses, for the IPv6 forms that carry an IPv4 address (NAT64, 6to4, Teredo),
 * and for text that is not an address. An IPv4 address mapped into IPv6 counts as that IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  const unwrapped = ipaddr.process(address)
  if (unwrapped.range() !== 'unicast' || unwrapped.toString() === AZURE_HOST) return false
  return unwrapped instanceof ipaddr.IPv4 || unwrapped.match(GLOBAL_UNICAST)
}

/** Whether a host name or address is reachable from the same machine only. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '127.0.0.1') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

/** Whether other machines of the Internet can probably reach a host: a public address, or a full domain name. */
export function isPublicHost(host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host)
  return host.includes('.') && !/\.(local|localhost|internal|lan|home|test|invalid|home\.arpa)\.?$/i.test(host)
}

/**
 * The key under which requests from an address are counted: an IPv4 address as it is, an IPv6 address by its /64, which
 * usually belongs to one customer. An IPv4 address mapped into IPv6 counts as IPv4.
 */
export function addressKey(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/${IPV6_SITE_BITS}`)
  return `${network.toString()}/${IPV6_SITE_BITS}`
}

/** The host of a URL without its port; an IPv6 address without brackets. */
export function hostnameOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}

/** The URL at which a listener on `host` is reached from the same machine. */
export function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

/** Whether a list of hosts, each written as `host` (any port) or `host:port`, contains the host of a URL. */
export function isListedHost(url: URL, hosts: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return hosts.some(entry => [url.hostname, `${url.hostname}:${port}`].includes(entry.toLowerCase()))
}

/**
 * Whether `isListedHost` can ever match this entry: a host exactly as a parsed URL holds it, with or without a port.
 * False for patterns, URLs, IPv6 addresses without brackets and addresses in another notation.
 */
export function isHostEntry(entry: string): boolean {
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(entry.toLowerCase()) ?? []
  if (host.includes('*') || Number(port ?? 0) > 65_535 || !URL.canParse(`http://${host}`)) return false
  return new URL(`http://${host}`).hostname === host && (port === undefined || String(Number(port)) === port)
}
