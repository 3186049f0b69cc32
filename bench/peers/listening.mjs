/** Reports the URL in the way of the gateway's log. */
export function listening(port) {
  console.log(JSON.stringify({ level: 30, msg: 'listening', url: `http://127.0.0.1:${port}/graphql` }))
}
