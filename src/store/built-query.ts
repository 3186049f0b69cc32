import { Column, is, Param, Placeholder, SQL } from 'drizzle-orm'
import type { Values } from './statement.js'

/** A query as the driver of a database needs it. */
export interface BuiltQuery {
  readonly sql: string
  /** The values in the order of the parameters. */
  bind(values: Values): unknown[]
  /** The row of these cells; null: the query returns no rows. */
  readonly toRow: ((cells: readonly unknown[]) => unknown) | null
}

type Decode = (cell: unknown) => unknown
interface Field {
  readonly path: readonly string[]
  readonly field: unknown
}

/** What a query builder of either dialect has prepared. Drizzle does not declare `fields`, the columns of the result. */
export interface DrizzleQuery {
  getQuery(): { readonly sql: string; readonly params: readonly unknown[] }
  readonly fields?: readonly Field[] | undefined
}

/** Takes the query out of Drizzle's hands, whose own mapping of rows costs more than the query. */
export function builtQuery(prepared: DrizzleQuery): BuiltQuery {
  const { sql, params } = prepared.getQuery()
  const binders = params.map(binderOf)
  return {
    sql,
    bind: values => binders.map(binder => binder(values)),
    toRow: prepared.fields ? rowReader(prepared.fields) : null,
  }
}

function binderOf(param: unknown): (values: Values) => unknown {
  if (is(param, Placeholder)) {
    const { name } = param
    return values => valueFor(values, name)
  }
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { name } = param.value
    const { encoder } = param
    return values => {
      const value = valueFor(values, name)
      return value === null ? null : encoder.mapToDriverValue(value)
    }
  }
  return () => param
}

function valueFor(values: Values, name: string): unknown {
  const value = values[name]
  if (value === undefined) throw new Error(`The parameter ${name} of a statement has no value.`)
  return value
}

function rowReader(fields: readonly Field[]): (cells: readonly unknown[]) => unknown {
  const groups = new Map<string, { readonly name: string; readonly index: number; readonly decode: Decode | null }[]>()
  fields.forEach(({ path, field }, index) => {
    const [group, name] = path.length > 1 ? [path[0] ?? '', path[1] ?? ''] : ['', path[0] ?? '']
    groups.set(group, [...(groups.get(group) ?? []), { name, index, decode: decoderOf(field) }])
  })
  const readers = [...groups].map(([group, columns]) => ({
    group,
    read: (cells: readonly unknown[]) => readRow(columns, cells),
  }))
  const [first] = readers
  if (readers.length === 1 && first?.group === '') return first.read
  return cells =>
    Object.assign({}, ...readers.map(({ group, read }) => (group === '' ? read(cells) : { [group]: read(cells) })))
}

function readRow(
  columns: readonly { readonly name: string; readonly index: number; readonly decode: Decode | null }[],
  cells: readonly unknown[],
): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const { name, index, decode } of columns) {
    const cell = cells[index]
    row[name] = decode === null || cell === null ? cell : decode(cell)
  }
  return row
}

/** Null where the driver's value is the column's. */
function decoderOf(field: unknown): Decode | null {
  if (is(field, Column)) {
    const { mapFromDriverValue } = field
    return mapFromDriverValue === Column.prototype.mapFromDriverValue ? null : cell => field.mapFromDriverValue(cell)
  }
  const decoder = is(field, SQL.Aliased) ? field.sql : field
  if (!is(decoder, SQL)) return null
  const { decoder: of } = decoder as unknown as { readonly decoder: { mapFromDriverValue: Decode } }
  return cell => of.mapFromDriverValue(cell)
}
