//go:build !amd64 || noasm

package kernel

func (s *lineStage) routines(bool) (none [2]lineRoutine) { return none }
