// Package data brings labelled pictures to a network: from image folders and tar archives, or generated, through
// preprocessing and augmentation into batches.
//
// A [Source] is a set of labelled pictures: an [ImageFolder], or [Scenes], which are generated. [Split] holds out a part of each
// class, [WithClasses] numbers labels as a trained network does. A [Loader] makes batches of a source, decoding on
// all cores ahead of who consumes them:
//
//	folder, err := data.OpenImageFolder("train.tar")
//	…
//	defer folder.Close()
//	train, held, err := data.Split(folder, 0.1)
//	…
//	loader, err := data.NewLoader(train, data.LoaderOptions{
//		BatchSize:     128,
//		Preprocessing: model.Preprocessing(), // of a model of package models
//		Training:      true,
//		Augmentation:  data.Augmentation{Flip: 0.5, Padding: 4},
//		Seed:          1,
//	})
//	…
//	for batch, err := range loader.Batches(ctx, epoch, 0) {
//		…
//	}
//
// Batches depend on the seed, the epoch and the step alone: not on the number of cores, nor on where in an epoch the
// loop begins. So a training that was stopped continues with the batches it would have had.
//
// Pictures are decoded as PIL's convert("RGB") does, JPEG's chroma interpolated as libjpeg's is: alpha is dropped, grey is
// repeated, orientation tags are ignored (as timm and torchvision do). PNG, BMP, TIFF and lossless WebP are exact; JPEG and
// lossy WebP are within 3 grey levels, from rounding. Resizing is exactly PIL's or OpenCV's.
package data
