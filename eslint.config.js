import neostandard, { plugins, resolveIgnoresFromGitignore } from 'neostandard'

/**
 * The layers of lib/, highest first: a folder imports those after it, never those before it.
 * The entries (index.ts, plugin.ts and the folders published on their own) stand above them; no layer imports one.
 */
const layers = ['route', 'rooms', 'connection', 'messages', 'protocol']
/** Adapters of rooms, each published on its own. */
const adapters = ['redis', 'nats', 'node-cluster']
const entries = ['client', 'asyncapi', 'metrics', ...adapters, ...adapters.map(adapter => `rooms/${adapter}`)]

const climb = '^(?:\\.\\./)+(?:lib/)?'
const ownFilesAndTypesOnly = '^(?:\\.\\./)+(?!(?:\\.\\./)*types/)'
const intoFolders = folders => `(?:${climb}|^\\./)(?:${folders.join('|')})/`

const notThePlugin = {
  regex: `(?:${climb}|^\\./)(?:index|plugin)\\.ts$`,
  message: 'The plugin is made of the layers: they do not import it.'
}

/** The import rule of some files; ESLint lets the last one that matches a file replace the others. */
function restrictImports (files, patterns, { ignores = [], rules = {} } = {}) {
  return { files, ignores, rules: { 'no-restricted-imports': ['error', { patterns }], ...rules } }
}

export default [
  ...neostandard({ ts: true, noJsx: true, ignores: resolveIgnoresFromGitignore() }),

  {
    // `void promise` says that nobody waits for it.
    files: ['**/*.ts'],
    rules: { 'no-void': ['error', { allowAsStatement: true }] }
  },

  ...layers.map((layer, level) => restrictImports([`lib/${layer}/**/*.ts`], [
    {
      regex: intoFolders([...entries, ...layers.slice(0, level)]),
      message: `The layers are ${layers.join(' → ')}: ${layer} imports only what comes after it.`
    },
    { ...notThePlugin, regex: `${climb}(?:index|plugin)\\.ts$` }
  ])),

  ...adapters.map(adapter => restrictImports([`lib/rooms/${adapter}/**/*.ts`], [
    { regex: '^(?!\\.|node:)', message: 'The client is what the user passes: its library is no dependency, not even for its types.' },
    {
      regex: '^\\.\\./(?!(?:\\.\\./)*types/|(?:envelope|memory-history|tail|few-at-once|broker-options)\\.ts$|\\.\\./(?:errors|outside|check-option)\\.ts$)',
      message: 'An adapter imports its own files, types/, and what adapters have in common.'
    }
  ])),

  restrictImports(['lib/protocol/**/*.ts'], [
    {
      regex: '^(?!\\.|node:(?:buffer|crypto|process)$)',
      message: 'The protocol is bytes in, bytes out: no net, stream, timers or Fastify.'
    },
    {
      regex: '^node:process$',
      allowImportNames: ['versions'],
      message: 'The protocol may ask which Node it runs on, and nothing else.'
    },
    {
      regex: ownFilesAndTypesOnly,
      message: 'The protocol is the lowest layer: it imports its own files and types/ only.'
    }
  ], {
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'process']
    }
  }),

  restrictImports(['lib/*.ts'], [
    {
      regex: intoFolders([...entries, ...layers.slice(0, -1)]),
      message: 'What every layer may import (errors, options) imports no layer above protocol.'
    },
    notThePlugin
  ], { ignores: ['lib/index.ts', 'lib/plugin.ts'] }),

  restrictImports(['lib/client/**/*.ts'], [
    { regex: '^(?!\\.)', message: 'The client has no dependencies, not even Node.' },
    { regex: ownFilesAndTypesOnly, message: 'The client runs in browsers: it imports its own files and types/ only.' }
  ]),

  restrictImports(['lib/metrics/**/*.ts'], [
    {
      regex: '^(?:\\.\\./)+(?!(?:\\.\\./)*(?:types/|errors\\.ts$))',
      message: 'The metrics see what users see: they import their own files, types/ and the errors only.'
    }
  ]),

  restrictImports(['lib/asyncapi/**/*.ts'], [
    {
      regex: '^(?:\\.\\./)+(?!(?:\\.\\./)*(?:types/|(?:errors|check-option)\\.ts$|messages/(?:references|union)\\.ts$))',
      message: 'The document sees what users see: it imports its own files, types/, the errors, and how schemas are read.'
    }
  ]),

  restrictImports(['lib/asyncapi/page/**/*.ts'], [
    { regex: '^(?!\\.)', message: 'Pages run in browsers: they have no dependencies, not even Node.' },
    {
      regex: '^(?:\\.\\./)+(?!(?:\\.\\./)*(?:types/|client/index\\.ts$))',
      message: 'Pages import their own files, types/ and the client only: nothing else is served to browsers.'
    }
  ]),

  restrictImports(['types/**/*.ts'], [
    { regex: '^(?:\\.\\./)+lib/', message: 'types/ lies below all: it imports nothing from lib/.' }
  ], { ignores: ['types/**/*.tst.ts'] }),

  {
    files: ['lib/**/*.ts', 'types/**/*.ts'],
    ignores: ['types/**/*.tst.ts'],
    plugins: { '@typescript-eslint': plugins['typescript-eslint'].plugin },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      'no-restricted-syntax': ['error', {
        selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
        message: 'No `as unknown as`: let a type or a guard say it.'
      }]
    }
  },

  {
    // A type test declares values only to give them a type.
    files: ['types/**/*.tst.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off' }
  },

  {
    files: ['examples/*/public/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries([
        'crypto', 'CustomEvent', 'document', 'FormData', 'HTMLElement', 'localStorage', 'location', 'navigator',
        'sessionStorage', 'WebSocket', 'window'
      ].map(name => [name, 'readonly']))
    }
  }
]
