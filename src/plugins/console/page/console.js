const shown = document.querySelector('#state')
const state = {}
new EventSource('events').addEventListener('state', ({ data }) => {
  Object.assign(state, JSON.parse(data))
  shown.textContent = JSON.stringify(state, undefined, 2)
})
