import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'

/** With all fragments in place. The generated code grows with it, and nested fragments multiply it. */
const MAX_FIELDS = 250

/**
 * Whether graphql-jit executes a valid operation safely and as the specification says. The rest is executed without it:
 *
 * - mutations, because a failed execution is repeated to get the errors right
 * - text in the operation, which graphql-jit copies into the generated code, where it can be written so that it is run
 * - directives, and variables inside of other values, which it treats differently
 * - names that JavaScript objects give a meaning to, and introspection
 * - operations with very many fields
 */
export function isCompilable(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const node of document.definitions)
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node)
  let left = MAX_FIELDS

  function areCompilable({ selections }: SelectionSetNode): boolean {
    return selections.every(selection => {
      if (selection.directives?.length || --left < 0) return false
      switch (selection.kind) {
        case Kind.FIELD:
          return isFieldCompilable(selection) && (!selection.selectionSet || areCompilable(selection.selectionSet))
        case Kind.INLINE_FRAGMENT:
          return areCompilable(selection.selectionSet)
        case Kind.FRAGMENT_SPREAD: {
          const fragment = fragments.get(selection.name.value)
          return fragment !== undefined && !fragment.directives?.length && areCompilable(fragment.selectionSet)
        }
        default:
          throw new Error(`a selection of an unknown kind: ${selection satisfies never}`)
      }
    })
  }

  return (
    operation.operation !== OperationTypeNode.MUTATION &&
    !operation.directives?.length &&
    !operation.variableDefinitions?.some(it => it.directives?.length || it.variable.name.value.startsWith('__')) &&
    areCompilable(operation.selectionSet)
  )
}

function isFieldCompilable({ name, alias, arguments: given }: FieldNode): boolean {
  if (alias?.value.startsWith('__') || (name.value.startsWith('__') && name.value !== '__typename')) return false
  return given?.every(isArgumentCompilable) ?? true
}

function isArgumentCompilable({ value }: ArgumentNode): boolean {
  return value.kind === Kind.VARIABLE || isPlain(value)
}

function isPlain(value: ValueNode): boolean {
  switch (value.kind) {
    case Kind.INT:
    case Kind.FLOAT:
    case Kind.BOOLEAN:
    case Kind.ENUM:
    case Kind.NULL:
      return true
    case Kind.LIST:
      return value.values.every(isPlain)
    case Kind.OBJECT:
      return value.fields.every(field => isPlain(field.value))
    case Kind.STRING:
    case Kind.VARIABLE:
      return false
    default:
      throw new Error(`a value of an unknown kind: ${value satisfies never}`)
  }
}
