import graphql from '@graphql-eslint/eslint-plugin'

/** Lints the schema alone; Biome lints everything else. */
export default [
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      '@graphql-eslint/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
      '@graphql-eslint/no-root-type': 'off',
      // The types whose objects a client stores by id have one; values and events do not.
      '@graphql-eslint/strict-id-in-types': 'off',
      // Payload errors, usage months and histories are lists of values, which are not paged by edges.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
      // A refusal of one field must not empty the others.
      '@graphql-eslint/require-nullable-result-in-root': 'error',
    },
  },
]
