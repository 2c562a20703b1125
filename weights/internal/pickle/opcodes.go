package pickle

// What each opcode does.

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
)

// stop is the opcode that ends a pickle with the object on top of the stack.
const stop = '.'

// execute does what an opcode says.
func (r *reader) execute(code byte) error {
	if action, ok := opcodes[code]; ok {
		return action(r)
	}
	return fmt.Errorf("opcode %#02x, want one of protocols 2 to 5", code)
}

// opcodes lists the opcodes with their names in Python.
var opcodes = map[byte]func(r *reader) error{
	'\x80': skip(1), // PROTO
	'\x95': skip(8), // FRAME: only says how much to read at once

	'N':    constant(nil),   // NONE
	'\x88': constant(true),  // NEWTRUE
	'\x89': constant(false), // NEWFALSE
	'K':    integer(1),      // BININT1
	'M':    integer(2),      // BININT2
	'J':    integer4,        // BININT
	'\x8a': long(1),         // LONG1
	'\x8b': long(4),         // LONG4
	'G':    float,           // BINFLOAT

	'U':    text(1),  // SHORT_BINSTRING
	'T':    text(4),  // BINSTRING
	'\x8c': text(1),  // SHORT_BINUNICODE
	'X':    text(4),  // BINUNICODE
	'\x8d': text(8),  // BINUNICODE8
	'C':    bytes(1), // SHORT_BINBYTES
	'B':    bytes(4), // BINBYTES
	'\x8e': bytes(8), // BINBYTES8
	'\x96': bytes(8), // BYTEARRAY8

	'(': func(r *reader) error { r.marks = append(r.marks, len(r.stack)); return nil }, // MARK
	'0': func(r *reader) error { _, err := r.pop(); return err },                       // POP
	'1': func(r *reader) error { _, err := r.popMark(); return err },                   // POP_MARK
	'2': duplicate,                                                                     // DUP

	')':    tuple(0),                                                   // EMPTY_TUPLE
	'\x85': tuple(1),                                                   // TUPLE1
	'\x86': tuple(2),                                                   // TUPLE2
	'\x87': tuple(3),                                                   // TUPLE3
	't':    markedTuple,                                                // TUPLE
	']':    func(r *reader) error { r.push(&List{}); return nil },      // EMPTY_LIST
	'a':    func(r *reader) error { return r.extend(r.popN(1)) },       // APPEND
	'e':    func(r *reader) error { return r.extend(r.popMark()) },     // APPENDS
	'\x8f': func(r *reader) error { r.push(&List{}); return nil },      // EMPTY_SET
	'\x90': func(r *reader) error { return r.extend(r.popMark()) },     // ADDITEMS
	'\x91': markedList,                                                 // FROZENSET
	'}':    func(r *reader) error { r.push(&Dict{}); return nil },      // EMPTY_DICT
	's':    func(r *reader) error { return r.setEntries(r.popN(2)) },   // SETITEM
	'u':    func(r *reader) error { return r.setEntries(r.popMark()) }, // SETITEMS
	'q':    func(r *reader) error { return r.remember(r.unsigned(1)) }, // BINPUT
	'r':    func(r *reader) error { return r.remember(r.unsigned(4)) }, // LONG_BINPUT
	'\x94': func(r *reader) error { return r.remember(r.nextPlace()) }, // MEMOIZE
	'h':    func(r *reader) error { return r.recall(r.unsigned(1)) },   // BINGET
	'j':    func(r *reader) error { return r.recall(r.unsigned(4)) },   // LONG_BINGET
	'c':    global,                                                     // GLOBAL
	'\x93': stackGlobal,                                                // STACK_GLOBAL
	'Q':    persistent,                                                 // BINPERSID
	'R':    call,                                                       // REDUCE
	'\x81': call,                                                       // NEWOBJ
	'\x92': callWithKeywords,                                           // NEWOBJ_EX
	'b':    func(r *reader) error { _, err := r.popN(1); return err },  // BUILD: attributes are left out
}

func skip(n uint64) func(*reader) error {
	return func(r *reader) error {
		_, err := r.take(n)
		return err
	}
}

func constant(object any) func(*reader) error {
	return func(r *reader) error {
		r.push(object)
		return nil
	}
}

// integer pushes an unsigned number.
func integer(width uint64) func(*reader) error {
	return func(r *reader) error {
		n, err := r.unsigned(width)
		r.push(int64(n))
		return err
	}
}

// integer4 pushes a signed number of four bytes.
func integer4(r *reader) error {
	n, err := r.unsigned(4)
	r.push(int64(int32(n)))
	return err
}

// long pushes a signed number of any length, which its own length of the given width precedes.
func long(width uint64) func(*reader) error {
	return func(r *reader) error {
		data, err := r.counted(width)
		number := signed(data)
		if number.IsInt64() {
			r.push(number.Int64())
		} else {
			r.push(number)
		}
		return err
	}
}

// signed returns a number in two's complement, the lowest byte first.
func signed(data []byte) *big.Int {
	digits := slices.Clone(data)
	slices.Reverse(digits)
	value := new(big.Int).SetBytes(digits)
	if len(digits) > 0 && digits[0] >= 0x80 {
		value.Sub(value, new(big.Int).Lsh(big.NewInt(1), uint(8*len(digits))))
	}
	return value
}

// float pushes a number of eight bytes, the highest first.
func float(r *reader) error {
	data, err := r.take(8)
	number := uint64(0)
	for _, b := range data {
		number = number<<8 | uint64(b)
	}
	r.push(math.Float64frombits(number))
	return err
}

func text(width uint64) func(*reader) error {
	return func(r *reader) error {
		data, err := r.counted(width)
		r.push(string(data))
		return err
	}
}

func bytes(width uint64) func(*reader) error {
	return func(r *reader) error {
		data, err := r.counted(width)
		r.push(slices.Clone(data))
		return err
	}
}

func duplicate(r *reader) error {
	object, err := r.top()
	r.push(object)
	return err
}

func tuple(n int) func(*reader) error {
	return func(r *reader) error {
		items, err := r.popN(n)
		r.push(append(Tuple{}, items...))
		return err
	}
}

func markedTuple(r *reader) error {
	items, err := r.popMark()
	r.push(append(Tuple{}, items...))
	return err
}

func markedList(r *reader) error {
	items, err := r.popMark()
	r.push(&List{append([]any{}, items...)})
	return err
}

// extend appends to the list below the items.
func (r *reader) extend(items []any, err error) error {
	if err != nil {
		return err
	}
	list, err := topOf[*List](r)
	if err == nil {
		list.Items = append(list.Items, items...)
	}
	return err
}

// setEntries sets entries, each a key and a value, of the dict below them.
func (r *reader) setEntries(entries []any, err error) error {
	if err != nil {
		return err
	}
	dict, err := topOf[*Dict](r)
	if err != nil {
		return err
	}
	if len(entries)%2 != 0 {
		return errors.New("a key without a value")
	}
	for i := 0; i < len(entries); i += 2 {
		dict.Set(entries[i], entries[i+1])
	}
	return nil
}

// nextPlace is the place in the memo after those that are taken.
func (r *reader) nextPlace() (uint64, error) {
	return uint64(len(r.memo)), nil
}

func (r *reader) remember(place uint64, err error) error {
	if err != nil {
		return err
	}
	object, err := r.top()
	r.memo[place] = object
	return err
}

func (r *reader) recall(place uint64, err error) error {
	if err != nil {
		return err
	}
	object, ok := r.memo[place]
	if !ok {
		return fmt.Errorf("nothing was remembered at place %d", place)
	}
	r.push(object)
	return nil
}

func global(r *reader) error {
	module, err := r.line()
	if err != nil {
		return err
	}
	name, err := r.line()
	if err != nil {
		return err
	}
	return r.find(module, name)
}

func stackGlobal(r *reader) error {
	names, err := r.popN(2)
	if err != nil {
		return err
	}
	module, isModule := names[0].(string)
	name, isName := names[1].(string)
	if !isModule || !isName {
		return fmt.Errorf("a global named by %T and %T, want strings", names[0], names[1])
	}
	return r.find(module, name)
}

func (r *reader) find(module, name string) error {
	found, err := r.finder.Global(module, name)
	r.push(found)
	return err
}

func persistent(r *reader) error {
	id, err := r.pop()
	if err != nil {
		return err
	}
	object, err := r.finder.Persistent(id)
	r.push(object)
	return err
}

// call replaces a function and its arguments by its result.
func call(r *reader) error {
	objects, err := r.popN(2)
	if err != nil {
		return err
	}
	return r.call(objects[0], objects[1])
}

// callWithKeywords is call with arguments by name between them, of which there must be none.
func callWithKeywords(r *reader) error {
	objects, err := r.popN(3)
	if err != nil {
		return err
	}
	if keywords, ok := objects[2].(*Dict); !ok || len(keywords.Keys) > 0 {
		return errors.New("a call with arguments by name, want none")
	}
	return r.call(objects[0], objects[1])
}

func (r *reader) call(callee, arguments any) error {
	function, ok := callee.(*Global)
	if !ok {
		return fmt.Errorf("a call of %T, want a function", callee)
	}
	tuple, ok := arguments.(Tuple)
	if !ok {
		return fmt.Errorf("%s.%s called with %T, want a tuple", function.Module, function.Name, arguments)
	}
	if function.Call == nil {
		return fmt.Errorf("%s.%s must not be called", function.Module, function.Name)
	}
	result, err := function.Call(tuple)
	if err != nil {
		return fmt.Errorf("%s.%s: %w", function.Module, function.Name, err)
	}
	r.push(result)
	return nil
}
