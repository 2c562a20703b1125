package pickle

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

// finder allows list.make, which returns its arguments as a list, and list.name, which must not be called.
type finder struct{}

func (finder) Global(module, name string) (*Global, error) {
	switch module + "." + name {
	case "list.make":
		return &Global{module, name, func(arguments Tuple) (any, error) { return &List{arguments}, nil }}, nil
	case "list.name":
		return &Global{Module: module, Name: name}, nil
	}
	return nil, fmt.Errorf("%s.%s is refused", module, name)
}

func (finder) Persistent(id any) (any, error) {
	return Tuple{"kept", id}, nil
}

// word is a string in a pickle.
func word(value string) string {
	return "\x8c" + string(rune(len(value))) + value
}

func TestObjectsComeOutAsPythonHasThem(t *testing.T) {
	huge, _ := new(big.Int).SetString("-18446744073709551617", 10)
	dict := func(entries ...any) *Dict {
		d := &Dict{}
		for i := 0; i < len(entries); i += 2 {
			d.Set(entries[i], entries[i+1])
		}
		return d
	}
	for _, c := range []struct {
		name, pickle string
		want         any
	}{
		{"none", "N.", nil},
		{"booleans", "\x80\x02\x88\x89\x86.", Tuple{true, false}},
		{"numbers", "\x80\x02(K\xffM\x00\x80J\xfe\xff\xff\xffG\xbf\xf8\x00\x00\x00\x00\x00\x00t.", Tuple{int64(255), int64(0x8000), int64(-2), -1.5}},
		{"long numbers", "(\x8a\x00\x8a\x01\xff\x8a\x02\xff\x00\x8b\x01\x00\x00\x00\x80t.", Tuple{int64(0), int64(-1), int64(255), int64(-128)}},
		{"numbers beyond 64 bits", "\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xfe.", huge},
		{"text and bytes", "(U\x01aT\x01\x00\x00\x00b\x8c\x01cX\x01\x00\x00\x00d\x8d\x01\x00\x00\x00\x00\x00\x00\x00eC\x01fB\x01\x00\x00\x00gt.",
			Tuple{"a", "b", "c", "d", "e", []byte("f"), []byte("g")}},
		{"tuples", "()K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87t.",
			Tuple{Tuple{}, Tuple{int64(1)}, Tuple{int64(1), int64(2)}, Tuple{int64(1), int64(2), int64(3)}}},
		{"lists", "]K\x01a(K\x02K\x03e.", &List{[]any{int64(1), int64(2), int64(3)}}},
		{"sets", "(\x8f(K\x01\x90(K\x02\x91t.", Tuple{&List{[]any{int64(1)}}, &List{[]any{int64(2)}}}},
		{"dicts", "}" + word("a") + "K\x01s(" + word("b") + "K\x02" + word("a") + "K\x03u.", dict("a", int64(3), "b", int64(2))},
		{"memory", "\x95\x00\x00\x00\x00\x00\x00\x00\x00" + word("a") + "\x940" + word("b") + "q\x05r\x07\x00\x00\x000(h\x00h\x05j\x07\x00\x00\x00t.", Tuple{"a", "b", "b"}},
		{"memory of none", "Nq\x000h\x00.", nil},
		{"twice the same", "K\x012\x86.", Tuple{int64(1), int64(1)}},
		{"nothing after a mark", "K\x01(K\x021.", int64(1)},
		{"calls", "clist\nmake\nK\x01\x85R.", &List{[]any{int64(1)}}},
		{"new objects", word("list") + word("make") + "\x93)\x81.", &List{Tuple{}}},
		{"new objects without names of arguments", "clist\nmake\n)}\x92.", &List{Tuple{}}},
		{"attributes are left out", "]}b.", &List{}},
		{"objects kept elsewhere", "K\x07Q.", Tuple{"kept", int64(7)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, length, err := Read([]byte(c.pickle+"rest"), finder{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) || length != len(c.pickle) {
				t.Errorf("%#v of %d bytes, want %#v of %d", got, length, c.want, len(c.pickle))
			}
		})
	}
}

func TestPicklesThatDoNotHoldTogetherAreRefused(t *testing.T) {
	for _, c := range []struct{ name, pickle, want string }{
		{"nothing", "", "byte 0: the pickle is cut off"},
		{"no end", "N", "byte 1: the pickle is cut off"},
		{"empty stack", ".", "the stack holds too little"},
		{"other opcode", "N\xfe.", "byte 1: opcode 0xfe"},
		{"protocol 0", "I1\n.", "byte 0: opcode 0x49"},
		{"text beyond the end", "X\xff\xff\xff\xffa.", "cut off"},
		{"text of more bytes than there are numbers", "\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.", "cut off"},
		{"name without end", "cos", "cut off"},
		{"refused name", "cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", "byte 0: os.system is refused"},
		{"refused name on the stack", word("os") + word("system") + "\x93.", "os.system is refused"},
		{"names that are numbers", "K\x01K\x02\x93.", "named by int64 and int64"},
		{"call of a number", "K\x01)R.", "a call of int64"},
		{"call of what may only be named", "clist\nname\n)R.", "list.name must not be called"},
		{"call without a tuple", "clist\nmake\nNR.", "list.make called with <nil>"},
		{"call with names of arguments", "clist\nmake\n)}K\x01K\x02s\x92.", "arguments by name"},
		{"entry of a number", "K\x01K\x02a.", "int64 on the stack, want *pickle.List"},
		{"key without value", "}(K\x01u.", "a key without a value"},
		{"end of no mark", "K\x01t.", "the stack holds too little"},
		{"beyond the mark", "K\x01K\x02(\x85t.", "the stack holds too little"},
		{"memory of nothing", "h\x00.", "nothing was remembered at place 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			object, _, err := Read([]byte(c.pickle), finder{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%#v with error %v, want %q in it", object, err, c.want)
			}
		})
	}
}

// FuzzRead checks that no pickle makes the reader panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x80\x02clist\nmake\nq\x00(X\x01\x00\x00\x00aK\x01tR}q\x01(h\x00K\x01u\x86b."))
	f.Add([]byte("\x80\x04\x95\x08\x00\x00\x00\x00\x00\x00\x00(\x8a\x01\xff\x8c\x01aGtestings]e\x94."))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, length, err := Read(data, finder{})
		if err == nil && (length < 1 || length > len(data)) {
			t.Errorf("%d bytes of %d were read", length, len(data))
		}
	})
}
