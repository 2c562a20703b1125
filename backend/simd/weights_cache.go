package simd

import (
	"sync"
)

// weightsCache remembers what an executable computed from its weights alone, for as long as it is called with the same
// buffers: packed matrices, folded scales, fitted kernels. Buffers never change (see Buffer), so the same buffers mean
// the same values.
type weightsCache struct {
	mutex   sync.Mutex
	current *weightsState
}

// weightsState is the memory of the plan's weights part and the buffers that it was computed from.
type weightsState struct {
	buffers []*Buffer
	memory  []byte
	users   int // runs in progress, and one while it is the cache's current state
}

// acquire gives the run its weights part, computing it where the buffers are not those of the current one.
func (c *weightsCache) acquire(r *run) (*weightsState, error) {
	if len(r.plan.weightSteps) == 0 {
		return nil, nil
	}
	if state := c.matching(r); state != nil {
		r.weights = state.memory
		return state, nil
	}
	state := &weightsState{memory: r.backend.buffers.get(r.plan.weights), users: 1}
	for _, i := range r.plan.weightParameters {
		state.buffers = append(state.buffers, r.parameters[i])
	}
	r.weights = state.memory
	for _, s := range r.plan.weightSteps {
		if err := s.run(r); err != nil {
			return nil, err
		}
	}
	c.mutex.Lock()
	old := c.current
	c.current = state
	state.users++
	c.mutex.Unlock()
	c.release(r.backend, old)
	return state, nil
}

// matching returns the current state, taken for one more run, where it was computed from this run's buffers.
func (c *weightsCache) matching(r *run) *weightsState {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.current == nil {
		return nil
	}
	for i, parameter := range r.plan.weightParameters {
		if c.current.buffers[i] != r.parameters[parameter] {
			return nil
		}
	}
	c.current.users++
	return c.current
}

// release gives a state back; the last user returns its memory to the pool.
func (c *weightsCache) release(b *Backend, state *weightsState) {
	if state == nil {
		return
	}
	c.mutex.Lock()
	state.users--
	last := state.users == 0
	c.mutex.Unlock()
	if last {
		b.buffers.put(state.memory)
	}
}

// drop forgets the current state.
func (c *weightsCache) drop(b *Backend) {
	c.mutex.Lock()
	state := c.current
	c.current = nil
	c.mutex.Unlock()
	c.release(b, state)
}
