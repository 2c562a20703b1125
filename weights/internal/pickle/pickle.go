// Package pickle reads Python's pickles as data. Nothing that a pickle names is run: the reader asks its [Finder] what
// to make of each name, and a name that the finder does not know ends the reading.
//
// Protocols 2 to 5 are read (https://docs.python.org/3/library/pickletools.html), without extension codes and buffers
// that are kept elsewhere. Memory stays in proportion to the length of the pickle, whatever sizes it claims.
package pickle

import (
	"errors"
	"fmt"
	"slices"
)

// Finder says what names stand for.
type Finder interface {
	// Global returns the function or class of this name in a module, or an error that refuses it.
	Global(module, name string) (*Global, error)
	// Persistent returns the object that is kept outside the pickle under this identity.
	Persistent(id any) (any, error)
}

// Global is a function or class of Python's that a finder allows.
type Global struct {
	// Module and Name are where Python has it.
	Module, Name string
	// Call returns what is made of arguments; nil where it may be named only.
	Call func(arguments Tuple) (any, error)
}

// The types of objects beside nil, bool, int64, *big.Int, float64, string, []byte and *Global, and those that a
// finder makes.
type (
	// Tuple is Python's tuple.
	Tuple []any
	// List is Python's list, or its set in the order in which the pickle has it.
	List struct{ Items []any }
)

// Dict is Python's dict in the order of its entries.
type Dict struct {
	Keys, Values []any

	places map[string]int // of keys that are strings
}

// Get returns the value of a key.
func (d *Dict) Get(key string) (value any, ok bool) {
	place, ok := d.places[key]
	if !ok {
		return nil, false
	}
	return d.Values[place], true
}

// Set gives a key a value. A string that is a key already keeps its place.
func (d *Dict) Set(key, value any) {
	if text, ok := key.(string); ok {
		if place, ok := d.places[text]; ok {
			d.Values[place] = value
			return
		}
		if d.places == nil {
			d.places = make(map[string]int)
		}
		d.places[text] = len(d.Keys)
	}
	d.Keys, d.Values = append(d.Keys, key), append(d.Values, value)
}

// Read reads the pickle at the beginning of data. It returns its object and how many bytes it takes. An error says at
// which byte the reading ended.
func Read(data []byte, finder Finder) (object any, length int, err error) {
	r := &reader{data: data, finder: finder, memo: make(map[uint64]any)}
	for {
		at := r.position
		code, err := r.take(1)
		if err != nil {
			return nil, 0, fmt.Errorf("pickle: byte %d: %w", at, err)
		}
		if code[0] == stop {
			object, err = r.pop()
		} else {
			err = r.execute(code[0])
		}
		if err != nil {
			return nil, 0, fmt.Errorf("pickle: byte %d: %w", at, err)
		}
		if code[0] == stop {
			return object, r.position, nil
		}
	}
}

// reader is a pickle on its way through the stack machine.
type reader struct {
	data     []byte
	position int
	finder   Finder
	stack    []any
	marks    []int // lengths of the stack
	memo     map[uint64]any
}

var (
	errCutOff = errors.New("the pickle is cut off")
	errStack  = errors.New("the stack holds too little")
)

// take returns the next n bytes.
func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.data)-r.position) {
		return nil, errCutOff
	}
	bytes := r.data[r.position : r.position+int(n)]
	r.position += int(n)
	return bytes, nil
}

// unsigned returns the next width bytes as a number, the lowest first.
func (r *reader) unsigned(width uint64) (uint64, error) {
	bytes, err := r.take(width)
	number := uint64(0)
	for _, b := range slices.Backward(bytes) {
		number = number<<8 | uint64(b)
	}
	return number, err
}

// counted returns the bytes that follow their own number, which is width bytes wide.
func (r *reader) counted(width uint64) ([]byte, error) {
	n, err := r.unsigned(width)
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

// line returns what stands before the next end of line.
func (r *reader) line() (string, error) {
	end := slices.Index(r.data[r.position:], '\n')
	if end < 0 {
		return "", errCutOff
	}
	bytes, err := r.take(uint64(end) + 1)
	return string(bytes[:end]), err
}

func (r *reader) push(object any) {
	r.stack = append(r.stack, object)
}

// bottom is the place on the stack above which objects may be taken without passing the latest mark.
func (r *reader) bottom() int {
	if len(r.marks) == 0 {
		return 0
	}
	return r.marks[len(r.marks)-1]
}

// pop takes the object on top of the stack.
func (r *reader) pop() (any, error) {
	objects, err := r.popN(1)
	if err != nil {
		return nil, err
	}
	return objects[0], nil
}

// popN takes n objects. They are valid until the next push.
func (r *reader) popN(n int) ([]any, error) {
	begin := len(r.stack) - n
	if begin < r.bottom() {
		return nil, errStack
	}
	objects := r.stack[begin:]
	r.stack = r.stack[:begin]
	return objects, nil
}

// popMark takes the latest mark and the objects above it. They are valid until the next push.
func (r *reader) popMark() ([]any, error) {
	if len(r.marks) == 0 {
		return nil, errStack
	}
	objects := r.stack[r.bottom():]
	r.stack = r.stack[:r.bottom()]
	r.marks = r.marks[:len(r.marks)-1]
	return objects, nil
}

// top returns the object on top of the stack, which stays there.
func (r *reader) top() (any, error) {
	if len(r.stack) <= r.bottom() {
		return nil, errStack
	}
	return r.stack[len(r.stack)-1], nil
}

// topOf is top for an object of a certain type.
func topOf[T any](r *reader) (T, error) {
	object, err := r.top()
	typed, ok := object.(T)
	if err == nil && !ok {
		err = fmt.Errorf("%T on the stack, want %T", object, typed)
	}
	return typed, err
}
