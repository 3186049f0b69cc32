import fc from 'fast-check'

/** A request to `/graphql`: its headers and its body. */
export interface GeneratedRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const SPEC = 'application/graphql-response+json'
const ACCEPTS = [
  ...[undefined, '*/*', 'application/json', SPEC, `${SPEC}, application/json;q=0.9`, `application/json, ${SPEC}`],
  ...[`${SPEC}, application/graphql+json, application/json, text/event-stream, multipart/mixed`, 'application/*'],
  ...['text/event-stream, application/json', 'multipart/mixed', 'text/event-stream', 'image/png', 'text/html'],
  ...['application/json; charset=utf-8', 'application/json; charset=latin1', 'APPLICATION/JSON', '*/json', '', ','],
  ...[`${SPEC};charset=utf-8;q=1`, 'application/json;q=0', 'application/graphql+json', 'text/*, */*;q=0.1', 'json'],
]
const TYPES = ['application/json', 'application/json; charset=utf-8', 'application/json;charset=latin1']
const ODD_TYPES = ['application/json ; charset=utf-8', 'APPLICATION/JSON', 'application/json;', 'text/plain']

/** Text of all kinds: what JSON, JavaScript and GraphQL each treat in their own way. */
const anyText = fc.oneof(
  fc.constantFrom('', 'é', '漢字', '😀', '\u2028', '\u0000', '"', '\\', '$1', '`', '</script>', '__proto__', '\ud800'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
)

/** The types of variables, and values that fit, for the most part. */
const VARIABLES: Readonly<Record<string, readonly [readonly string[], readonly unknown[]]>> = {
  id: [
    ['ID!', 'ID', 'String!', 'ID! = 5'],
    ['known', 'unknown', 5, 1.5, '', null, ['x'], {}],
  ],
  ids: [
    ['[ID!]!', '[ID!]! = ["x"]', '[ID]', 'ID!'],
    [['known'], ['known', 'unknown', 3], 'known', [], [null], [[]], null, {}],
  ],
  first: [
    ['Int', 'Int = 2', 'Int!', 'Float'],
    [1, 0, -1, 1_000, 2.5, '3', null, 2 ** 31, true],
  ],
  filter: [
    ['LipSyncTaskFilter', 'LipSyncTaskFilter = { reference: "r" }', 'LipSyncTaskFilter!'],
    [{}, { reference: 'r' }, { status: 'PENDING' }, { status: ['PENDING', 'SUCCESS'] }, { status: ['pending'] }, [], 5],
  ],
  since: [
    ['DateTime', 'DateTime = "2024-12-31T00:00:00Z"', 'DateTime!', 'String'],
    ['2024-12-31T00:00:00Z', '2030-01-01T00:00:00.5+02:00', 'yesterday', 5, '', null, {}],
  ],
  status: [
    ['[LipSyncStatus!]', '[LipSyncStatus!] = [PENDING]', 'LipSyncStatus'],
    ['PENDING', ['SUCCESS'], [], 'X', [5]],
  ],
  seconds: [
    ['Float!', 'Float! = 10', 'Int!'],
    [10, 0, -1, 137.5, 1e300, '10', null],
  ],
  yes: [
    ['Boolean!', 'Boolean! = true', 'Boolean', 'Boolean = false'],
    [true, false, null, 'true', 1],
  ],
  input: [
    ['CreateLipSyncInput!', 'CreateLipSyncInput'],
    [
      { videoUrl: 'https://media.example/v.mp4', audioUrl: 'https://media.example/a.mp3', idempotencyKey: 'one' },
      { videoUrl: 'ftp://x', audioUrl: 'x', playbackType: 'NORMAL' },
      { videoUrl: 5, audioUrl: 'x' },
      { videoUrl: 'x', audioUrl: 'x', playbackType: 'normal', extra: 1 },
      ...[{}, [], null],
    ],
  ],
}

const TASK =
  'id status stage caller videoUrl audioUrl playbackType reference createdAt submittedAt completedAt cursor queuePosition progress problem __typename'
/** Fields without a selection, those with one, and how a selection of each type may be narrowed. */
const LEAVES: Readonly<Record<string, readonly string[]>> = {
  LipSyncTask: TASK.split(' '),
  Node: ['id', '__typename'],
  LipSyncTransition: ['cursor', 'at', 'stage', 'reason'],
  LipSyncFailure: ['code', 'message'],
  LipSyncTaskConnection: ['cursor', 'pageInfo { hasNextPage endCursor }', '__typename'],
  LipSyncTaskEdge: ['cursor'],
  LipSyncEstimate: ['durationSeconds', 'credits'],
  LipSyncViewer: [
    'name',
    'scopes',
    'usage { month creditsSpent tasks { status count } }',
    'usage(months: 99) { month }',
  ],
  LipSyncLimits: ['sockets { max left }', 'monthlyCredits { max }'],
  Query: ['__typename', '__schema { queryType { name } }', '__type(name: "Node") { kind }'],
  Payload: ['errors { code message path stage }', '__typename'],
  Mutation: ['__typename'],
}
const NESTED: Readonly<Record<string, readonly (readonly [field: string, type: string])[]>> = {
  LipSyncTask: [
    ...([
      ['failure', 'LipSyncFailure'],
      ['retryOf', 'LipSyncTask'],
      ['history', 'LipSyncTransition'],
    ] as const),
    ...([
      ['history(first: $first)', 'LipSyncTransition'],
      ['history(first: 0)', 'LipSyncTransition'],
    ] as const),
  ],
  LipSyncTaskConnection: [['edges', 'LipSyncTaskEdge']],
  LipSyncTaskEdge: [['node', 'LipSyncTask']],
  LipSyncViewer: [['limits', 'LipSyncLimits']],
  Query: [
    ...([
      ['lipSyncTask(id: $id)', 'LipSyncTask'],
      ['lipSyncTask(id: "known")', 'LipSyncTask'],
    ] as const),
    ...([
      ['lipSyncTask(id: TEXT)', 'LipSyncTask'],
      ['lipSyncTask(id: 7)', 'LipSyncTask'],
      ['lipSyncTask', 'LipSyncTask'],
    ] as const),
    ...([
      ['node(id: $id)', 'Node'],
      ['nodes(ids: $ids)', 'Node'],
      ['nodes(ids: ["known", $id])', 'Node'],
    ] as const),
    ...([
      ['lipSyncTasks(first: $first)', 'LipSyncTaskConnection'],
      ['lipSyncTasks', 'LipSyncTaskConnection'],
    ] as const),
    ...([
      ['lipSyncTasks(filter: $filter)', 'LipSyncTaskConnection'],
      ['lipSyncTasks(first: 100)', 'LipSyncTaskConnection'],
    ] as const),
    ...([['lipSyncTasks(first: 2, filter: { status: PENDING })', 'LipSyncTaskConnection']] as const),
    ...([['lipSyncTasks(filter: { createdAfter: $since, status: $status })', 'LipSyncTaskConnection']] as const),
    ...([['lipSyncTasks(filter: { reference: TEXT })', 'LipSyncTaskConnection']] as const),
    ...([
      ['lipSyncEstimate(durationSeconds: $seconds)', 'LipSyncEstimate'],
      ['viewer', 'LipSyncViewer'],
    ] as const),
  ],
  Mutation: [
    ...([
      ['createLipSync(input: $input)', 'Payload'],
      ['cancelLipSync(input: { id: $id })', 'Payload'],
    ] as const),
    ...([
      ['retryLipSync(input: { id: "unknown" })', 'Payload'],
      ['createWatchToken(input: { ttlSeconds: 0 })', 'Payload'],
    ] as const),
    ...([['resolveLipSync(input: { id: $id, action: FAIL })', 'Payload']] as const),
  ],
}
const FRAGMENTS = {
  OfTask: 'fragment OfTask on LipSyncTask { reference createdAt ...Deeper }',
  Deeper: 'fragment Deeper on Node { id ... on LipSyncTask { stage failure { code } } }',
  Root: 'fragment Root on Query { viewer { name } ...Root2 }',
  Root2: 'fragment Root2 on Query { estimate: lipSyncEstimate(durationSeconds: 5) { credits } }',
}
const DIRECTIVES = ['@skip(if: $yes)', '@include(if: $yes)', '@skip(if: false)', '@include(if: false)', '@no', '@skip']
const ALIASES = ['a', 'b', 'id', 'constructor', '__proto__', 'toString', '__a', 'data']
function often<Value>(usual: fc.Arbitrary<Value>, rare: fc.Arbitrary<Value>, weight = 12) {
  return fc.oneof({ arbitrary: usual, weight }, { arbitrary: rare, weight: 1 })
}

/** What precedes and follows a field: an alias, a directive, or nothing. */
function decorated(field: fc.Arbitrary<string>, end: fc.Arbitrary<string>) {
  return fc
    .record({
      field,
      end,
      alias: often(fc.constant(''), fc.constantFrom(...ALIASES), 5),
      directive: often(fc.constant(''), fc.constantFrom(...DIRECTIVES), 30),
    })
    .map(it => `${it.alias && `${it.alias}: `}${it.field} ${it.directive}${it.end}`)
}

function selectionOf(type: string, depth: number): fc.Arbitrary<string> {
  const leaf = decorated(
    often(fc.constantFrom(...(LEAVES[type] ?? ['__typename'])), fc.constant('nonsense'), 300),
    fc.constant(''),
  )
  const nested = depth <= 0 ? [] : (NESTED[type] ?? [])
  const spread = fc.constantFrom(
    ...(type === 'LipSyncTask' || type === 'Node'
      ? ['...OfTask', '...Deeper', '... on LipSyncTask { reference }']
      : []),
    ...(type === 'Query' ? ['...Root', '... { __typename }', '... on Query { viewer { name } }'] : []),
    '... { __typename }',
  )
  const deeper = nested.map(([field, inner]) => decorated(fc.constant(field), selectionOf(inner, depth - 1)))
  const isRoot = type === 'Query' || type === 'Mutation'
  const field = fc.oneof(
    { arbitrary: leaf, weight: isRoot ? 1 : 6 },
    ...(deeper.length > 0 ? [{ arbitrary: fc.oneof(...deeper), weight: isRoot ? 8 : 2 }] : []),
    { arbitrary: spread, weight: 1 },
  )
  return fc.array(field, { minLength: 1, maxLength: isRoot ? 3 : 5 }).map(fields => ` { ${fields.join(' ')} }`)
}

const operation = fc
  .record({
    root: fc.oneof(
      { arbitrary: fc.tuple(fc.constant('query'), selectionOf('Query', 3)), weight: 12 },
      { arbitrary: fc.tuple(fc.constant('mutation'), selectionOf('Mutation', 2)), weight: 2 },
      { arbitrary: fc.constant(['subscription', ' { tasksUpdated { cursor } }'] as const), weight: 0 },
    ),
    name: often(fc.constantFrom('Q', 'R'), fc.constant(''), 2),
    text: anyText,
    definitions: fc.record(
      Object.fromEntries(
        Object.entries(VARIABLES).map(([name, [[right = '', ...wrong], values]]) => [
          name,
          fc.record({
            type: often(fc.constant(right), fc.constantFrom(...wrong), 6),
            value: often(fc.constantFrom(...values.slice(0, 3)), fc.oneof(fc.constantFrom(...values), anyText), 4),
            isSent: often(fc.constant(true), fc.constant(false), 8),
          }),
        ]),
      ),
    ),
    end: often(
      fc.constant(''),
      fc.constantFrom(' query Other { __typename }', ' {', ' # 漢字', ' fragment No on No { x }'),
      20,
    ),
  })
  .map(({ root: [kind, selection], name, text, definitions, end }) => {
    const body = selection.replaceAll('TEXT', JSON.stringify(text).replaceAll('\\u0000', ''))
    const used = Object.entries(definitions).filter(([variable]) => new RegExp(`\\$${variable}\\b`).test(body))
    const header = used.map(([variable, { type }]) => `$${variable}: ${type}`).join(', ')
    const needed = new Set<keyof typeof FRAGMENTS>()
    if (body.includes('...OfTask')) needed.add('OfTask').add('Deeper')
    if (body.includes('...Deeper')) needed.add('Deeper')
    if (body.includes('...Root')) needed.add('Root').add('Root2')
    const fragments = [...needed].map(fragment => FRAGMENTS[fragment]).join('\n')
    const variables = used.filter(([, { isSent }]) => isSent).map(([variable, { value }]) => [variable, value])
    return {
      query: `${kind} ${name}${header && `(${header})`}${body}${end}\n${fragments}`,
      operationName: name || undefined,
      variables: Object.fromEntries(variables),
    }
  })

const oddParams = fc.constantFrom<object>(
  ...[{ operationName: 'Nobody' }, { operationName: '' }, { operationName: 5 }, { operationName: null }],
  ...[{ operationName: '__proto__' }, { operationName: 'Other' }, { variables: [] }, { variables: 'x' }],
  ...[{ variables: null }, { variables: { extra: 1 } }, { extensions: {} }, { extensions: [] }, { extensions: null }],
  ...[{ query: 5 }, { query: null }, { query: '' }, { query: [] }, { batch: true }, { batch: null }, { id: 'x' }],
)
const ODD_BODIES = [
  '',
  '{',
  '[]',
  'null',
  '5',
  '"x"',
  '{}',
  '[{"query":"{__typename}"}]',
  '{"__proto__":{},"query":"{ a }"}',
]

/** Requests that are valid for the most part. In `known`, the id of a task is to be filled in. */
export const anyRequest: fc.Arbitrary<GeneratedRequest> = fc
  .record({
    params: operation,
    odd: often(fc.constant({}), oddParams, 20),
    accept: fc.constantFrom(...ACCEPTS),
    type: often(fc.constantFrom(...TYPES), fc.constantFrom(...ODD_TYPES), 40),
    body: often(fc.constant(null), fc.constantFrom(...ODD_BODIES), 40),
  })
  .map(({ params, odd, accept, type, body }) => ({
    headers: { 'content-type': type, ...(accept !== undefined && { accept }) },
    body: body ?? JSON.stringify({ ...params, ...odd }),
  }))
