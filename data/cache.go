package data

import (
	"sync/atomic"
)

// cache keeps a source's decoded pictures in memory, the first that come, up to a number of bytes. Nothing is thrown
// out: each epoch reads every picture once, so a picture kept is as good as any other.
type cache struct {
	Source
	kept []atomic.Pointer[Image]
	room atomic.Int64 // bytes left
}

func newCache(source Source, bytes int64) *cache {
	c := &cache{Source: source, kept: make([]atomic.Pointer[Image], source.Len())}
	c.room.Store(bytes)
	return c
}

func (c *cache) Image(index int) (*Image, error) {
	if image := c.kept[index].Load(); image != nil {
		return image, nil
	}
	image, err := c.Source.Image(index)
	if err != nil {
		return nil, err
	}
	size := int64(len(image.Pix))
	if c.room.Add(-size) < 0 || !c.kept[index].CompareAndSwap(nil, image) {
		c.room.Add(size)
	}
	return image, nil
}
