import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressKey, isHostEntry, isListedHost, isPublicAddress } from '../../src/net/address.js'

describe('a public address', () => {
  test.each(['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is one', address => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.each([
    ['unspecified', '0.0.0.0', '::'],
    ['loopback', '127.0.0.1', '127.255.0.3', '::1'],
    ['private', '10.0.0.1', '172.16.0.1', '192.168.1.1', 'fd00::1', 'fec0::1'],
    ['link-local', '169.254.169.254', 'fe80::1', 'fe80::1%eth0'],
    ['shared', '100.64.0.1'],
    ['of a cloud', '168.63.129.16', '::ffff:168.63.129.16'],
    ['multicast or broadcast', '224.0.0.1', 'ff02::1', '255.255.255.255'],
    ['reserved', '240.0.0.1', '192.0.2.1', '198.18.0.1', '2001:db8::1'],
    ['IPv4 in IPv6', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::127.0.0.1', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1', '64:ff9b:1::7f00:1'],
    ['a tunnel', '2002:7f00:1::', '2001:0:7f00:1::'],
    ['no address', '', 'localhost', '1.2.3'],
  ])('%s is none', (_kind, ...addresses) => {
    for (const address of addresses) expect(isPublicAddress(address), address).toBe(false)
  })
})

test('a host is listed with its port or for every port', () => {
  const isAllowed = (url: string, ...hosts: string[]) => isListedHost(new URL(url), hosts)
  expect(isAllowed('http://media.lan:8080/a', 'media.lan')).toBe(true)
  expect(isAllowed('http://MEDIA.lan:8080/a', 'media.LAN:8080')).toBe(true)
  expect(isAllowed('https://media.lan/a', 'media.lan:443')).toBe(true)
  expect(isAllowed('http://[::1]:80/a', '[::1]:80')).toBe(true)
  expect(isAllowed('http://media.lan:8081/a', 'media.lan:8080')).toBe(false)
  expect(isAllowed('http://media.lan.example/a', 'media.lan')).toBe(false)
})

describe('the key of an address', () => {
  const ipv4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 }).map(bytes => bytes.join('.'))
  const groups = (count: number) => fc.array(fc.nat(0xffff), { minLength: count, maxLength: count })
  /** Not all zero, which would make addresses that carry an IPv4 address. */
  const network = groups(4).filter(parts => parts.some(part => part > 0))
  /** The notations of an IPv6 address: as it is, padded, compressed, and with a zone. */
  const notationsOf = (parts: readonly number[]): string[] => {
    const plain = parts.map(part => part.toString(16)).join(':')
    const padded = parts.map(part => part.toString(16).padStart(4, '0').toUpperCase()).join(':')
    return [plain, padded, new URL(`http://[${plain}]`).hostname.slice(1, -1), `${plain}%eth0`]
  }

  test('is an IPv4 address itself, also when it is mapped into IPv6', () => {
    fc.assert(
      fc.property(ipv4, address => {
        expect([addressKey(address), addressKey(`::ffff:${address}`)]).toEqual([address, address])
      }),
    )
  })

  test('is the same for all addresses of an IPv6 /64, in every notation, and for no other', () => {
    fc.assert(
      fc.property(network, groups(4), groups(4), fc.nat(63), (prefix, host, otherHost, bit) => {
        const keys = [host, otherHost].flatMap(rest => notationsOf([...prefix, ...rest]).map(addressKey))
        expect(new Set(keys).size).toBe(1)
        const next = prefix.map((part, index) => (index === bit >> 4 ? part ^ (1 << (bit & 15)) : part))
        if (next.every(part => part === 0)) return
        expect(addressKey(notationsOf([...next, ...host])[0]!)).not.toBe(keys[0])
      }),
    )
  })

  test('is any other text itself', () => {
    for (const text of ['', 'localhost', 'media.lan', '::1::2']) expect(addressKey(text)).toBe(text)
  })
})

describe('a host entry', () => {
  test.each([
    'media.lan',
    'MEDIA.lan:8080',
    'localhost',
    '10.0.0.1:80',
    '[::1]',
    '[fd00::1]:8080',
    'xn--mnchen-3ya.lan',
  ])('%s matches the host that it names', entry => {
    expect(isHostEntry(entry)).toBe(true)
    expect(isListedHost(new URL(`http://${entry}/a`), [entry])).toBe(true)
  })

  test.each([
    '*',
    '*.lan',
    'http://media.lan',
    'media.lan/files',
    'user@media.lan',
    '::1',
    '::1:8080',
    '[::0001]',
    '127.1',
    '2130706433',
    '010.0.0.1',
    'münchen.lan',
    'media.lan:',
    'media.lan:99999',
    'media.lan:080',
    'media.lan?x',
    ' media.lan',
    '',
  ])('%j never matches', entry => {
    expect(isHostEntry(entry)).toBe(false)
  })
})
