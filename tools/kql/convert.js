// Reads one JSON object from standard input and answers with one on standard output.
// {"kql": "...", "fields": {...}} -> {"query": {...}, "fields": [...]}; `fields` is what Elasticsearch's _field_caps says.
// {"rison": "..."} -> {"value": ...}, as Kibana reads the part of an address after `_g=` or `_a=`.
'use strict'

const { readFileSync } = require('fs')
const { fromKueryExpression, toElasticsearchQuery } = require('@cybernetex/kbn-es-query')
const rison = require('rison-node')

// what Kibana calls the types of Elasticsearch
const KINDS = { keyword: 'string', text: 'string', date: 'date', date_nanos: 'date', boolean: 'boolean' }
const NUMBERS = ['long', 'integer', 'short', 'byte', 'double', 'float', 'half_float', 'scaled_float', 'unsigned_long']

function dataViewField ([name, capabilities]) {
  const [type, { searchable, aggregatable }] = Object.entries(capabilities)[0]
  const kind = KINDS[type] || (NUMBERS.includes(type) ? 'number' : type)
  return { name, type: kind, esTypes: [type], searchable, aggregatable, scripted: false }
}

function namesIn (node) {
  if (!node || node.type !== 'function') return []
  const own = ['is', 'range', 'exists'].includes(node.function) ? [node.arguments[0].value] : []
  return own.concat(...node.arguments.map(namesIn)).filter((name) => typeof name === 'string')
}

function answer (question) {
  if (question.rison !== undefined) return { value: rison.decode(question.rison) }
  const parsed = fromKueryExpression(question.kql)
  const fields = Object.entries(question.fields).map(dataViewField)
  const query = toElasticsearchQuery(parsed, fields.length ? { fields } : undefined)
  return { query, fields: [...new Set(namesIn(parsed))] }
}

try {
  process.stdout.write(JSON.stringify(answer(JSON.parse(readFileSync(0, 'utf8')))))
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
