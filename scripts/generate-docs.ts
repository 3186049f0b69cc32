import { writeFileSync } from 'node:fs'
import { generatedFiles } from './generated-files.js'

// `npm run docs`: writes the files that are generated from the schema of the options.
for (const [name, text] of generatedFiles()) writeFileSync(new URL(`../${name}`, import.meta.url), text)
