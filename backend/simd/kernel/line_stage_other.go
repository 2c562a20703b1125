//go:build !amd64 || noasm

package kernel

func (s *lineStage) forwardVector(l *lineRows) bool { return false }

func (s *lineStage) backVector(l *lineRows) bool { return false }
