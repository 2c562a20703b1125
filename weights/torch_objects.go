package weights

// The objects in PyTorch's pickles: what is allowed there, and what becomes of it.

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fastparc/fastparc/weights/internal/pickle"
)

// storage is an array of elements, which tensors show all or parts of.
type storage struct {
	key    string
	dtype  DType
	width  uint64 // of an element in bytes
	length uint64 // in elements
	// begin is the storage's place in the file, and available how many bytes are there.
	begin, available uint64
}

// tensorView is a tensor: a part of a storage.
type tensorView struct {
	storage        *storage
	offset         int // of the first element in the storage
	shape, strides []int
}

// storageTypes lists PyTorch's types of storages. Tensors of complex numbers are found so that they can be named in an
// error.
var storageTypes = map[string]storage{
	"DoubleStorage":        {dtype: F64, width: 8},
	"FloatStorage":         {dtype: F32, width: 4},
	"HalfStorage":          {dtype: F16, width: 2},
	"BFloat16Storage":      {dtype: BF16, width: 2},
	"LongStorage":          {dtype: I64, width: 8},
	"IntStorage":           {dtype: I32, width: 4},
	"ShortStorage":         {dtype: I16, width: 2},
	"CharStorage":          {dtype: I8, width: 1},
	"ByteStorage":          {dtype: U8, width: 1},
	"BoolStorage":          {dtype: Bool, width: 1},
	"ComplexFloatStorage":  {dtype: "C64", width: 8},
	"ComplexDoubleStorage": {dtype: "C128", width: 16},
}

// allowed lists what a pickle may name beside storages, and what is made of calls, nil where there must be none. What
// tensors do not need is here because trainings write it beside them: their settings and results. It becomes nil.
var allowed = map[string]func(pickle.Tuple) (any, error){
	"torch._utils._rebuild_tensor_v2":            rebuildTensor,
	"torch._utils._rebuild_tensor":               rebuildTensor,
	"torch._utils._rebuild_parameter":            firstArgument,
	"torch._utils._rebuild_parameter_with_state": firstArgument,
	"torch.Size":                    firstArgument,
	"collections.OrderedDict":       makeDict,
	"collections.defaultdict":       func(pickle.Tuple) (any, error) { return &pickle.Dict{}, nil },
	"collections.Counter":           firstArgument,
	"builtins.set":                  firstArgument,
	"__builtin__.set":               firstArgument,
	"argparse.Namespace":            makeNothing,
	"torch.device":                  makeNothing,
	"numpy.core.multiarray.scalar":  makeNothing,
	"numpy._core.multiarray.scalar": makeNothing,
	"numpy.dtype":                   makeNothing,
	"_codecs.encode":                makeNothing,
	"builtins.list":                 nil,
	"builtins.dict":                 nil,
	"builtins.int":                  nil,
	"builtins.float":                nil,
	"__builtin__.list":              nil,
	"__builtin__.dict":              nil,
	"__builtin__.int":               nil,
	"__builtin__.float":             nil,
	"torch.float32":                 nil,
	"torch.float16":                 nil,
	"torch.bfloat16":                nil,
}

func makeNothing(pickle.Tuple) (any, error) {
	return nil, nil
}

// firstArgument is for functions that return what they are given, and for copies.
func firstArgument(arguments pickle.Tuple) (any, error) {
	if len(arguments) == 0 {
		return nil, nil
	}
	return arguments[0], nil
}

// makeDict makes a dict of nothing or of a list of pairs.
func makeDict(arguments pickle.Tuple) (any, error) {
	dict := &pickle.Dict{}
	if len(arguments) == 0 {
		return dict, nil
	}
	pairs, ok := arguments[0].(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("made of %T, want a list", arguments[0])
	}
	for _, item := range pairs.Items {
		pair, ok := item.(pickle.Tuple)
		if list, isList := item.(*pickle.List); isList {
			pair, ok = list.Items, true
		}
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("an entry is %T, want a key and a value", item)
		}
		dict.Set(pair[0], pair[1])
	}
	return dict, nil
}

// maxAxes is the largest number of axes that tensors have in PyTorch.
const maxAxes = 64

// rebuildTensor makes a tensor of a storage, the offset of its first element there, its shape and its strides. What
// follows them are settings for gradients.
func rebuildTensor(arguments pickle.Tuple) (any, error) {
	if len(arguments) < 4 {
		return nil, fmt.Errorf("%d arguments, want a storage, an offset, a shape and strides", len(arguments))
	}
	storage, ok := arguments[0].(*storage)
	if !ok {
		return nil, fmt.Errorf("a tensor of %T, want a storage", arguments[0])
	}
	offset, err := sizes(pickle.Tuple{arguments[1]})
	if err != nil {
		return nil, fmt.Errorf("offset: %w", err)
	}
	shape, err := sizes(arguments[2])
	if err != nil {
		return nil, fmt.Errorf("shape: %w", err)
	}
	strides, err := sizes(arguments[3])
	if err != nil {
		return nil, fmt.Errorf("strides: %w", err)
	}
	if len(shape) > maxAxes || len(shape) != len(strides) {
		return nil, fmt.Errorf("%d axes with %d strides, want one each and at most %d", len(shape), len(strides), maxAxes)
	}
	return &tensorView{storage, offset[0], shape, strides}, nil
}

// sizes returns the numbers of a tuple, none of them negative.
func sizes(object any) ([]int, error) {
	tuple, ok := object.(pickle.Tuple)
	if !ok {
		return nil, fmt.Errorf("%T, want a tuple", object)
	}
	numbers := make([]int, len(tuple))
	for i, item := range tuple {
		number, ok := item.(int64)
		if !ok || number < 0 || number > math.MaxInt {
			return nil, fmt.Errorf("%v, want a number from 0 up", item)
		}
		numbers[i] = int(number)
	}
	return numbers, nil
}

// torchObjects is the finder of a PyTorch pickle. It collects the storages that tensors are parts of.
type torchObjects struct {
	storages map[string]*storage
}

func newTorchObjects() *torchObjects {
	return &torchObjects{storages: make(map[string]*storage)}
}

// Global implements [pickle.Finder].
func (o *torchObjects) Global(module, name string) (*pickle.Global, error) {
	call, ok := allowed[module+"."+name]
	if _, isStorage := storageTypes[name]; !ok && !(isStorage && module == "torch") {
		return nil, fmt.Errorf("%s.%s is refused: a checkpoint may hold tensors and plain values, nothing that runs; save the state_dict alone", module, name)
	}
	return &pickle.Global{Module: module, Name: name, Call: call}, nil
}

// Persistent implements [pickle.Finder]: it returns a storage, or a part of one that old versions of PyTorch saved, for
// ("storage", type, key, place, length) and perhaps (key of the part, its offset, its length).
func (o *torchObjects) Persistent(id any) (any, error) {
	tuple, _ := id.(pickle.Tuple)
	if len(tuple) < 5 || len(tuple) > 6 || tuple[0] != any("storage") {
		return nil, fmt.Errorf("%v is kept elsewhere, want storages only", id)
	}
	kind, isGlobal := tuple[1].(*pickle.Global)
	key, isKey := tuple[2].(string)
	length, err := sizes(pickle.Tuple{tuple[4]})
	if !isGlobal || !isKey || err != nil {
		return nil, fmt.Errorf("a storage of type %v with key %v and length %v", tuple[1], tuple[2], tuple[4])
	}
	found, ok := storageTypes[kind.Name]
	if !ok {
		return nil, fmt.Errorf("%s.%s is no type of a storage", kind.Module, kind.Name)
	}
	if len(tuple) == 6 && tuple[5] != nil {
		return nil, fmt.Errorf("storage %q is a part of another, as PyTorch saved before 0.4: save the checkpoint anew", key)
	}
	found.key, found.length = key, uint64(length[0])
	if known, twice := o.storages[key]; !twice {
		o.storages[key] = &found
	} else if known.dtype != found.dtype || known.length != found.length {
		return nil, fmt.Errorf("storage %q is of %d %s and of %d %s", key, known.length, known.dtype, found.length, found.dtype)
	}
	return o.storages[key], nil
}

// stateKeys lists where a checkpoint may hold a state_dict, the first that is there counts. What it was trained with
// comes before averages of it.
var stateKeys = []string{
	"state_dict", "model_state_dict", "model", "net", "module",
	"model_ema", "ema", "state_dict_ema", "ema_state_dict", "model_ema_state_dict",
}

// stateDict returns the tensors of a checkpoint's state_dict: of the one under the key, where one is given. Other things
// in it are left out.
func stateDict(checkpoint any, key string, s *source) (contents, error) {
	var dict *pickle.Dict
	if key == "" {
		dict = findState(checkpoint, maxKeys)
	} else {
		states := statesByKey(checkpoint)
		if dict = states[key]; dict == nil {
			return contents{}, wrongKey(key, slices.Sorted(maps.Keys(states)))
		}
	}
	if dict == nil {
		return contents{}, fmt.Errorf("the checkpoint holds no tensors under names, neither itself nor under one of %s", strings.Join(stateKeys, ", "))
	}
	c := contents{tensors: make(map[string]tensorInfo)}
	for i, key := range dict.Keys {
		name, isName := key.(string)
		view, isTensor := dict.Values[i].(*tensorView)
		if !isName || !isTensor {
			continue
		}
		info, err := view.info(s)
		if err != nil {
			return c, fmt.Errorf("tensor %q: %w", name, err)
		}
		c.tensors[name] = info
		c.names = append(c.names, name)
	}
	return c, nil
}

// statesByKey returns the state_dicts that a checkpoint holds, each by the key that it is under.
func statesByKey(checkpoint any) map[string]*pickle.Dict {
	states := make(map[string]*pickle.Dict)
	dict, ok := checkpoint.(*pickle.Dict)
	if !ok {
		return states
	}
	for i, value := range dict.Values {
		key, isName := dict.Keys[i].(string)
		if state := findState(value, maxKeys-1); isName && state != nil {
			states[key] = state
		}
	}
	return states
}

// wrongKey says which keys there are in place of one that is not.
func wrongKey(key string, there []string) error {
	if len(there) == 0 {
		return fmt.Errorf("no weights under the key %q: the file holds them under no key, open it without", key)
	}
	return fmt.Errorf("no weights under the key %q: the checkpoint has them under %s", key, strings.Join(there, ", "))
}

// maxKeys is how many keys deep a state_dict may be in a checkpoint.
const maxKeys = 4

// findState returns the state_dict in an object, at most so many keys deep, or nil.
func findState(object any, depth int) *pickle.Dict {
	dict, ok := object.(*pickle.Dict)
	if !ok || depth == 0 {
		return nil
	}
	for _, key := range stateKeys {
		if value, ok := dict.Get(key); ok {
			if found := findState(value, depth-1); found != nil {
				return found
			}
		}
	}
	for i, value := range dict.Values {
		_, isName := dict.Keys[i].(string)
		if _, isTensor := value.(*tensorView); isName && isTensor {
			return dict
		}
	}
	return nil
}

// info says where the tensor's elements are in the source. It refuses a tensor that reaches beyond its storage, or that
// has more elements than it.
func (t *tensorView) info(s *source) (tensorInfo, error) {
	none := tensorInfo{}
	size, err := byteSize(t.storage.dtype, t.shape)
	if err != nil {
		return none, err
	}
	length := t.storage.available / t.storage.width
	if length != t.storage.length || t.storage.available%t.storage.width != 0 {
		return none, fmt.Errorf("storage %q has %d bytes, want those of %d elements of type %s", t.storage.key, t.storage.available, t.storage.length, t.storage.dtype)
	}
	count := size / t.storage.width
	inside := uint64(t.offset) <= length && count <= length
	last := uint64(t.offset)
	for axis, dim := range t.shape {
		if dim > 1 && count > 0 {
			steps, stride := uint64(dim-1), uint64(t.strides[axis])
			inside = inside && stride <= length/steps
			last += steps * stride
		}
	}
	if !inside || count > 0 && last >= length {
		return none, fmt.Errorf("shape %v with strides %v from element %d does not fit a storage of %d elements", t.shape, t.strides, t.offset, length)
	}
	info := tensorInfo{DType: t.storage.dtype, Shape: t.shape, source: s}
	info.begin = t.storage.begin + uint64(t.offset)*t.storage.width
	if count > 0 && !t.isRowMajor() {
		info.strides = t.strides
	}
	return info, nil
}

// isRowMajor says whether the elements lie in row-major order without gaps.
func (t *tensorView) isRowMajor() bool {
	want := 1
	for axis := len(t.shape) - 1; axis >= 0; axis-- {
		if t.shape[axis] > 1 && t.strides[axis] != want {
			return false
		}
		want *= t.shape[axis]
	}
	return true
}
